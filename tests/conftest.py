"""The fixtures of all tests; one file each in tests/fixtures."""

from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.shared",
    "tests.fixtures.s3",
    "tests.fixtures.model",
    "tests.fixtures.vllm",
    "tests.fixtures.maths",
]

settings.register_profile("klear", deadline=None)  # machines are shared: a slow example is no fault
settings.load_profile("klear")
