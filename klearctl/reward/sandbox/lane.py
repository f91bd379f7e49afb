"""One lane: the warm servers that one user of the sandbox at a time has, each started when it is first needed.

There is one server for the programs of models and one for those of tests, as both may be under way at once; and of each
one more that holds the libraries, for sources that name one: a fork of a server that has loaded numpy costs twice what
one without does (bench/sandbox.py), and few programs want it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from klearctl.reward.sandbox.launch import Confinement
from klearctl.reward.sandbox.limits import Limits, SandboxFault
from klearctl.reward.sandbox.program import Kind, Program
from klearctl.reward.sandbox.warm import Warm


class Lane:
    """The servers of one lane. Not for several threads at once."""

    def __init__(self, confinement: Confinement, libraries: Sequence[str]) -> None:
        self._confinement, self._libraries = confinement, tuple(libraries)
        words = [rb"\b%s\b" % re.escape(name.encode()) for name in libraries]
        self._named = re.compile(b"|".join(words)) if words else None
        self._warm: dict[tuple[bool, bool], Warm] = {}
        self._is_aborted = False

    @contextmanager
    def program(self, kind: Kind, source: bytes, limits: Limits, *, stdin: bytes | None = None) -> Iterator[Program]:
        """A program under way; at the end of the block it is gone, and after a fault its server too.

        Raises:
            SandboxFault: the sandbox failed.
        """
        with_libraries = self._named is not None and self._named.search(source) is not None
        which = (kind == "checks", with_libraries)
        if which not in self._warm:
            self._warm[which] = Warm(self._confinement, self._libraries if with_libraries else ())
        if self._is_aborted:  # perhaps while that server was starting
            raise SandboxFault("the sandbox is closed")
        try:
            program = Program(self._warm[which], kind, source, limits, stdin=stdin)
            try:
                yield program
            finally:
                program.stop()
        except SandboxFault:
            self._warm.pop(which).kill()
            raise

    def landlock_abi(self) -> int | None:
        """The version of Landlock that its servers use."""
        return next(iter(self._warm.values())).landlock_abi

    def sessions(self) -> list[int]:
        """The sessions that all its processes are in."""
        return [warm.session for warm in self._warm.values()]

    def abort(self) -> None:
        """Kills its servers, from another thread, for good: whoever uses them sees a fault."""
        self._is_aborted = True
        for warm in list(self._warm.values()):
            warm.abort()

    def close(self) -> None:
        """Ends its servers; when this returns none of their processes is left."""
        while self._warm:
            self._warm.popitem()[1].close()
