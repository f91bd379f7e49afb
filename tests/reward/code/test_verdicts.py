"""Each way to end has its verdict, for programs, calls and assertions, through a real sandbox."""

import pytest

CALL = {"function": "f", "inputs": [[3]], "outputs": [4], "memory_mb": 256}
ASSERT = {"asserts": ["assert abs(f(3) - 4) < 1e-6"], "entry_point": "f", "memory_mb": 256}
STDIN = {"inputs": ["3\n"], "outputs": ["4\n"], "memory_mb": 256}


def defines(body):
    return f"import os, sys\ndef f(x):\n    {body}"


# what a function does, and what comes of it where the answer is compared outside
BODIES = [
    ("return x + 1", "accepted"),
    ("print('noise'); return x + 1", "accepted"),
    ("return x + 2", "wrong_answer"),
    ("return None", "wrong_answer"),
    ("return [x + 1]", "wrong_answer"),
    ("raise ValueError('no')", "runtime_error"),
    ("return g(x)", "runtime_error"),
    ("raise MemoryError", "memory_limit"),
    ("return len(bytearray(1 << 40))", "memory_limit"),
    ("raise SystemExit(0)", "runtime_error"),
    ("sys.exit(0)", "runtime_error"),
    ("os._exit(0)", "runtime_error"),
    ("os.kill(os.getpid(), 9)", "runtime_error"),
    ("os.close(3)", "runtime_error"),
    ("return f(x)", "runtime_error"),  # the stack overflows
    ("raise KeyboardInterrupt", "runtime_error"),
    ("raise AssertionError", "runtime_error"),
    ("while True: print('x' * 65536)", "output_limit"),
    ("import ctypes; ctypes.CDLL(None).syscall(101, 0, 0, 0, 0)", "sandbox_violation"),  # ptrace on x86_64
    ("__import__('socket').socket()", "runtime_error"),  # refused
]


@pytest.mark.parametrize(("body", "verdict"), BODIES)
def test_a_call_is_judged_by_what_it_returns(judge, body, verdict):
    assert judge(defines(body), CALL).verdict == verdict


@pytest.mark.parametrize(("body", "verdict"), BODIES)
def test_an_assertion_is_judged_by_what_its_calls_return(judge, body, verdict):
    failed = verdict if body != "raise AssertionError" else "wrong_answer"  # as if the test had
    assert judge(defines(body), ASSERT).verdict == failed


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("print(int(input()) + 1)", "accepted"),
        ("import sys; sys.stdout.buffer.write(b'4')", "accepted"),
        ("import os; os.write(1, b'4')", "accepted"),
        ("print(int(open(0).read()) + 1)", "accepted"),
        ("if __name__ == '__main__':\n    print(4)", "accepted"),
        ("global a\na = 4\nprint(a)", "accepted"),  # LiveCodeBench wraps it into a function, and fails it
        ("print(4); raise SystemExit", "accepted"),
        ("print(4); import os; os._exit(0)", "wrong_answer"),  # never flushed
        ("print(4, flush=True); import os; os._exit(0)", "accepted"),
        ("print(4); import sys; sys.exit(1)", "runtime_error"),
        ("print(4); sys.exit('an error')", "runtime_error"),
        ("print(4); 1 / 0", "runtime_error"),
        ("print(4); import os; os.abort()", "runtime_error"),
        ("raise MemoryError", "memory_limit"),
        ("x = bytearray(1 << 40)", "memory_limit"),
        ("print(5)", "wrong_answer"),
        ("", "wrong_answer"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "wrong_answer"),
        ("print(3 +)", "compile_error"),
        ("print(4)\0", "compile_error"),
        ("print('\ud800')", "compile_error"),
        ("print(4) #" + "x" * (1 << 20), "compile_error"),
        ("print(" + "(" * 10_000 + "4" + ")" * 10_000 + ")", "compile_error"),
        ("while True: print('x' * 65536)", "output_limit"),
        ("import ctypes; print(4, flush=True); ctypes.CDLL(None).syscall(101, 0, 0, 0, 0)", "sandbox_violation"),
        ("try:\n    __import__('socket').socket()\nexcept OSError:\n    pass\nprint(4)", "accepted"),  # it lives on
    ],
)
def test_a_program_is_judged_by_its_output_and_its_exit_code(judge, code, verdict):
    assert judge(code, STDIN).verdict == verdict


@pytest.mark.parametrize("tests", [CALL, ASSERT])
@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("def f(x: return 4", "compile_error"),
        ("raise ValueError", "runtime_error"),
        ("def g(x): return 4", "runtime_error"),
        ("import os; os._exit(0)", "runtime_error"),
        ("exit()", "runtime_error"),
            ("x = bytearray(1 << 40)", "memory_limit"),
        ("f = 4", "runtime_error"),
        ("if __name__ == '__main__':\n    input()\ndef f(x): return 4", "accepted"),
        ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(4).x", "accepted"),
        ("def f(x: List[int]) -> Optional[int]: return Counter([x])[x] + 3 + floor(inf > 1) - 1", "accepted"),
        ("import numpy as np, sortedcontainers\ndef f(x): return np.int64(4)", "accepted"),
        ("f = lambda x: 4", "accepted"),
    ],
)  # fmt: skip
def test_a_module_is_run_before_its_functions(judge, tests, code, verdict):
    assert judge(code, tests).verdict == verdict


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("while True: pass", STDIN),
        ("while True: pass", CALL),
        ("while True: pass", ASSERT),
        ("def f(x):\n    while True: pass", CALL),
        ("def f(x):\n    while True: pass", ASSERT),
        ("def f(x):\n    import time\n    time.sleep(60)", CALL),  # by the clock, of which there is three times as much
    ],
)
def test_what_does_not_end_is_late(judge, code, tests):
    assert judge(code, tests | {"timeout": 0.2}).verdict == "time_limit"
