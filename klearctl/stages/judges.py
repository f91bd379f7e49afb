"""The judges of a program: of maths, in worker processes, and of code, in a sandbox; gone with the block.

Each starts when the first response of its kind comes: maths alone needs no sandbox, code alone no sympy.
"""

import os
import sys
import threading
from contextlib import ExitStack
from typing import Any, Self

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.maths.pool import Workers
from klearctl.reward.sandbox.isolation import Isolation
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged


class Judges:
    """Thread-safe; as many responses at once as there are cores, of each kind."""

    def __init__(self, *, isolation: Isolation, unsafe: bool) -> None:
        self._isolation, self._unsafe = isolation, unsafe
        self._starting, self._open, self._is_closed = threading.Lock(), ExitStack(), False
        self._workers: Workers | None = None
        self._code: CodeJudge | None = None

    def maths(self, answer: str, response: str) -> Judged:
        """The judgement of a response by its boxed answer."""
        with self._starting:
            self._check_open()
            if self._workers is None:
                self._workers = self._open.enter_context(Workers(len(os.sched_getaffinity(0))))
        return self._workers.judge_response(answer, response, must_think=False)

    def code(self, response: str, tests: Any) -> Judged:
        """The judgement of a response by all of its tests.

        Raises:
            ConfigError: nothing on this machine confines code.
        """
        with self._starting:
            self._check_open()
            if self._code is None:
                sandbox = self._open.enter_context(Sandbox(isolation=self._isolation, unsafe=self._unsafe))
                print(f"code runs in {sandbox.isolation}", file=sys.stderr, flush=True)
                self._code = CodeJudge(sandbox)
        return self._code.judge(response, tests)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._starting:  # a thread may be starting one just now: it is closed too
            self._is_closed = True
            self._open.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("the judges have gone")
