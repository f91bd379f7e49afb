import pytest

from klearctl.reward.sandbox.inside.script import COMPILE_ERROR, COMPILED, MEMORY_ERROR
from klearctl.reward.sandbox.limits import How, Limits
from klearctl.reward.sandbox.pool import Sandbox


@pytest.mark.parametrize(
    ("source", "stdin", "stdout"),
    [
        (b"print(input()[::-1])", b"abc\n", b"cba\n"),
        (b"print(1, end='')", b"", b"1"),  # no end of the last line
        (b"import sys; sys.stdout.write('x' * 200_000)", b"", b"x" * 200_000),  # more than a pipe holds
        (b"import sys; print(len(sys.stdin.buffer.read()))", b"x" * 3_000_000, b"3000000\n"),
        (b"print(1)", b"x" * 3_000_000, b"1\n"),  # what it does not read is no error
        (b"import sys; sys.stdout.buffer.write(b'\\xff\\0')", b"", b"\xff\0"),
        (b"print(input())", b"\xff\xfe\n", b"\xff\xfe\n"),  # as a new interpreter in a UTF-8 locale does
        (b"print(__name__, __import__('__main__').x if 'x' in dir() else 'new')", b"", b"__main__ new\n"),
        (b"import sys; print(sys.argv)", b"", b"['solution.py']\n"),
        (b"print(1); exit()", b"", b"1\n"),  # which `site` makes
        (b"print({'b', 'a', 'c'} == set('abc'), hash('a') == hash('a'))", b"", b"True True\n"),
        (b"import atexit; atexit.register(print, 2); print(1)", b"", b"1\n2\n"),
        (b"import threading; threading.Thread(target=print, args=(1,)).start()", b"", b"1\n"),
        (b"import os; print(sorted(os.environ))", b"", b"['HOME', 'LANG', 'PYTHONHASHSEED', 'TMPDIR']\n"),
        (b"import asyncio; asyncio.run(asyncio.sleep(0)); print(1)", b"", b"1\n"),
        (b"import tempfile\nwith tempfile.TemporaryFile() as f: print(f.write(b'x'))", b"", b"1\n"),
        (
            b"import tempfile\nwith tempfile.TemporaryDirectory() as d: print(open(d + '/x', 'w').write('x'))",
            b"",
            b"1\n",
        ),
        (b"import subprocess, sqlite3, decimal, csv, zlib, ssl, ctypes, multiprocessing; print(1)", b"", b"1\n"),
    ],
    ids=lambda value: repr(value[:60]),
)
def test_a_script_runs_as_in_a_new_interpreter(sandbox: Sandbox, source: bytes, stdin: bytes, stdout: bytes):
    ended = sandbox.script(source, stdin, Limits())
    assert (ended.how, ended.code, ended.stdout) == (How.EXITED, 0, stdout), ended.stderr_tail


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", 0),
        (b"raise SystemExit", 0),
        (b"raise SystemExit(3)", 3),
        (b"raise SystemExit('text')", 1),
        (b"1 / 0", 1),
        (b"import os; os._exit(7)", 7),
        (b"import sys; sys.stdout.close()", 0),
        (b"import os; print(1); os.close(1)", 120),  # what cannot be flushed: sys.exit's documentation
        (b"raise KeyboardInterrupt", 1),
    ],
)
def test_a_script_exits_with_the_code_of_a_new_interpreter(sandbox: Sandbox, source: bytes, code: int):
    ended = sandbox.script(source, b"", Limits())
    assert (ended.how, ended.code) == (How.EXITED, code)


@pytest.mark.parametrize(
    ("source", "frames"),
    [
        (b"print(1)", (COMPILED,)),
        (b"bytes(1 << 40)", (COMPILED, MEMORY_ERROR)),
        (b"x = (", (COMPILE_ERROR,)),
        (b"x = '\0'", (COMPILE_ERROR,)),
        (b"x = '\xff'", (COMPILE_ERROR,)),
        (b"(" * 1000, (COMPILE_ERROR,)),
    ],
)
def test_what_a_script_is_known_to_have_come_to_is_said_in_frames(
    sandbox: Sandbox, source: bytes, frames: tuple[bytes, ...]
):
    found = sandbox.script(source, b"", Limits()).frames
    assert tuple(frame[: len(COMPILE_ERROR)] if b"\n" in frame else frame for frame in found) == frames


def test_the_traceback_of_a_script_shows_nothing_of_what_ran_it(sandbox: Sandbox):
    ended = sandbox.script(b"def f():\n    return 1 / 0\nf()\n", b"", Limits())
    assert ended.stderr_tail.splitlines() == [
        "Traceback (most recent call last):",
        '  File "solution.py", line 3, in <module>',
        '  File "solution.py", line 2, in f',
        "ZeroDivisionError: division by zero",
    ]


def test_sixty_threads_fit_into_the_default_limits(sandbox: Sandbox):
    source = b"""
import threading
gate = threading.Barrier(61)
for _ in range(60): threading.Thread(target=gate.wait).start()
gate.wait()
print(threading.active_count() > 0)
"""
    assert sandbox.script(source, b"", Limits()).stdout == b"True\n"


def test_a_script_that_burns_time_in_its_children_is_charged_for_it(sandbox: Sandbox):
    source = b"import os\nif not os.fork():\n    sum(range(20_000_000)); os._exit(0)\nos.wait()"
    assert sandbox.script(source, b"", Limits()).cpu_s > 0.05
