"""How fast the sandbox judges, beside its peers; whether its verdicts are the same twice; what each attack comes to.

    python -m bench.sandbox                      programs per CPU second, and two cores beside one
    python -m bench.sandbox --determinism 2000   so many programs twice, under load
    python -m bench.sandbox --attacks            the attack table, on both back ends

A trivial program reads a line and prints it. CPU seconds are those of all processes, ours with theirs. The exit code is
1 where a bar is missed.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from bench.peers import PEERS
from klearctl.local.node.process import adopt_orphans
from klearctl.reward.sandbox.isolation import Isolation
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.mixture import verdicts
from tests.reward.sandbox.test_attacks import ATTACKS
from tests.reward.sandbox.world import around

LEAST_PER_CPU_S = 100.0
LEAST_SPEEDUP = 1.7  # of two lanes over one
BACK_ENDS: tuple[Isolation, ...] = ("bubblewrap", "landlock")

SOURCE, STDIN, STDOUT = b"print(input()[::-1])", b"abc\n", b"cba\n"
NUMPY = b"import numpy\n" + SOURCE
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Prints what was asked for; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000, metavar="N", help="programs a measurement")
    parser.add_argument("--determinism", type=int, metavar="N", help="judge N programs twice, under load")
    parser.add_argument("--attacks", action="store_true", help="print the attack table")
    asked = parser.parse_args()
    if asked.attacks:
        return attacks()
    if asked.determinism:
        return max(determinism(isolation, asked.determinism) for isolation in BACK_ENDS)
    return max(speed(asked.programs), speedup(asked.programs))


def speed(programs: int) -> int:
    """Programs per CPU second of each way to run them."""
    rates = {f"klearctl, {isolation}": ours(isolation, SOURCE, programs) for isolation in BACK_ENDS}
    bar = min(rates.values())
    rates |= {f"klearctl, {isolation}, numpy": ours(isolation, NUMPY, programs // 2) for isolation in BACK_ENDS}
    rates |= {name: theirs(run, programs // 20) for name, run in PEERS.items()}
    least = min(rates.values())
    print(f"{'trivial programs':34}per CPU second   times the slowest")
    for name, rate in rates.items():
        print(f"{name:34}{rate:14.0f}{rate / least:20.1f}")
    print(f"bar: klearctl at least {LEAST_PER_CPU_S:.0f}\n")
    return int(bar < LEAST_PER_CPU_S)


def ours(isolation: Isolation, source: bytes, programs: int) -> float:
    """Programs per CPU second, of all processes of the sandbox and of this one."""
    with Sandbox(lanes=1, isolation=isolation) as sandbox:
        check(sandbox.script(source, STDIN, Limits()).stdout)
        before = cpu_s(sandbox)
        for _ in range(programs):
            check(sandbox.script(source, STDIN, Limits()).stdout)
        return programs / (cpu_s(sandbox) - before)


def theirs(run: Callable[[bytes, bytes], bytes], programs: int) -> float:
    """The same of a peer."""
    check(run(SOURCE, STDIN))
    adopt_orphans()  # and their CPU time: bwrap does not wait
    before = cpu_s(None)
    for _ in range(programs):
        check(run(SOURCE, STDIN))
        bury()
    return programs / (cpu_s(None) - before)


def bury() -> None:
    """Waits for all that is left."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def check(printed: bytes) -> None:
    """What was measured is what was meant."""
    assert printed == STDOUT, printed


def cpu_s(sandbox: Sandbox | None) -> float:
    """CPU seconds of this process and of all that came from it.

    A server has waited for its programs, so it counts them; we have not waited for the server yet.
    """
    own = sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))
    return own + sum(map(_cpu_s, sandbox.processes() if sandbox else ()))


def _cpu_s(pid: int) -> float:
    """Of one process, and those it waited for; proc(5)."""
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:15])) / _TICKS


def speedup(programs: int) -> int:
    """Two cores, a lane each, beside one core with one lane, on the clock: the best of five."""
    if len(os.sched_getaffinity(0)) < 2:
        print("one core: nothing to say of two")
        return 0
    missed = False
    for isolation in BACK_ENDS:
        one, two = (min(wall_s(isolation, cores, programs) for _ in range(5)) for cores in (1, 2))
        print(
            f"{isolation:12}one core {programs / one:6.0f} programs/s, two {programs / two:6.0f}: {one / two:.2f} times"
        )
        missed |= one / two < LEAST_SPEEDUP
    print(f"bar: {LEAST_SPEEDUP} times")
    return int(missed)


def wall_s(isolation: Isolation, cores: int, programs: int) -> float:
    """Seconds on the clock for so many programs, with all that runs for them on so many cores."""
    with on_cores(cores), Sandbox(lanes=cores, isolation=isolation) as sandbox, ThreadPoolExecutor(cores) as threads:
        list(threads.map(lambda _: sandbox.script(SOURCE, STDIN, Limits()), range(2 * cores)))  # all servers are warm
        began = time.monotonic()
        list(threads.map(lambda _: sandbox.script(SOURCE, STDIN, Limits()), range(programs)))
        return time.monotonic() - began


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """This thread, and the threads and processes that it starts in the block, run on so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def determinism(isolation: Isolation, programs: int) -> int:
    """The verdicts of two runs beside each other, and beside what they must be."""
    with Sandbox(isolation=isolation) as sandbox, load():
        runs = [list(verdicts(sandbox, programs, seed=1, threads=8)) for _ in range(2)]
    differ = sum(one[0] is not two[0] for one, two in zip(*runs, strict=True))
    wrong = sum(verdict is not must for verdict, must in itertools.chain(*runs))
    print(f"{isolation:12}{programs} programs twice under load: {differ} verdicts differ, {wrong} are wrong")
    return int(bool(differ or wrong))


@contextmanager
def load() -> Iterator[None]:
    """Two processes a core that do nothing but burn."""
    burn = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(burn) for _ in range(2 * len(os.sched_getaffinity(0)))]
    try:
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()


def attacks() -> int:
    """Each attack with its verdict on both back ends, and whether anything outside was touched."""
    found: dict[str, list[str]] = {attack.name: [] for attack in ATTACKS}
    missed = False
    for isolation in BACK_ENDS:
        abi = 1 if isolation == "landlock" else None
        with Sandbox(lanes=1, libraries=(), isolation=isolation, landlock_abi=abi) as sandbox, around(sandbox) as world:
            print(f"{isolation}: {sandbox.isolation}", file=sys.stderr)
            for attack in ATTACKS:
                verdict, touched = world.attack(attack), world.touched()
                found[attack.name].append(f"{verdict}{' TOUCHED ' + ', '.join(touched) if touched else ''}")
                missed |= verdict is not attack.verdict or bool(touched) or not world.goes_on()
    print("| attack | bubblewrap | Landlock ABI 1 |\n|---|---|---|")
    for name, columns in found.items():
        print(f"| {name} | " + " | ".join(columns) + " |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
