"""The fixtures of all tests; one file each in tests/fixtures."""

import os
import signal
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures.shared",
    "tests.fixtures.ports",
    "tests.fixtures.s3",
    "tests.fixtures.model",
    "tests.fixtures.vllm",
    "tests.fixtures.maths",
]

# Machines are shared: neither a slow example is a fault, nor that examples are slowly made.
settings.register_profile("klear", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("klear")

# as in a shell whose environment is active: hints name the command, not its path
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# a shell that starts pytest in the background has it ignore Ctrl-C, and so would every program that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
