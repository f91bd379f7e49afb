"""CPU seconds of `klearctl --help`, beside a bare `import click`, which is the least it can take here.

    make bench
    klearctl --help       0.071 s   (limit 0.150 s)
    import click          0.060 s

User and system time with children, the best of many: what else the machine does makes it slower, never faster.
"""

import resource
import subprocess
import sys
from pathlib import Path

LIMIT_S = 0.150
TIMES = 20


def main() -> int:
    """Prints the table; 1 when `--help` is over its limit."""
    program = str(Path(sys.executable).with_name("klearctl"))
    help_s = best_cpu_s([program, "--help"])
    click_s = best_cpu_s([sys.executable, "-c", "import click"])
    print(f"klearctl --help   {help_s:.3f} s   (limit {LIMIT_S:.3f} s)\nimport click      {click_s:.3f} s")
    return 0 if help_s <= LIMIT_S else 1


def best_cpu_s(command: list[str], times: int = TIMES) -> float:
    """The least CPU seconds that one run of the command took, with its children."""
    return min(cpu_s(command) for _ in range(times))


def cpu_s(command: list[str]) -> float:
    """CPU seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
