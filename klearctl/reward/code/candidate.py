"""A program that answers calls, seen from outside: a request in, what it says out, or the outcome that it comes to."""

import json
from typing import Any

from klearctl.reward.code.compare import Unreadable, read
from klearctl.reward.code.outcome import Outcome, ended, raised, trimmed
from klearctl.reward.sandbox.limits import Ended, Limits
from klearctl.reward.sandbox.program import Program
from klearctl.reward.verdict import Verdict


class Over(Exception):
    """The program will not answer: it ended, or it says what the driver never does."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Candidate:
    """The program, one request at a time."""

    def __init__(self, program: Program, limits: Limits) -> None:
        self._program, self._limits = program, limits
        self._number = -1

    def load(self) -> Outcome | None:
        """Compiles and runs the module; what it comes to where it does not get through."""
        told = self.ask({"do": "load"})
        if "syntax" in told:
            return Outcome(Verdict.COMPILE_ERROR, trimmed(str(told["syntax"])), final=True)
        return raised(*told["raised"], final=True) if "raised" in told else None

    def ask(self, request: dict[str, Any], *, wall_s: float | None = None) -> dict[str, Any]:
        """The answer: its value, or the type and the message of what was raised.

        Raises:
            Over: there is none, and there will be none to any other request.
        """
        self._number += 1
        self._program.send(json.dumps(request | {"n": self._number}).encode())
        told = self._program.receive(wall_s=wall_s)
        if isinstance(told, Ended):
            raise Over(ended(told, self._limits))
        try:
            return self._answer(read(told))
        except Unreadable as error:
            raise Over(Outcome(Verdict.RUNTIME_ERROR, str(error))) from None

    def _answer(self, told: dict[str, Any]) -> dict[str, Any]:
        match told:
            case (
                {"n": int(number), "raised": [str(), str()]}
                | {"n": int(number), "value": _}
                | {
                    "n": int(number),
                    "syntax": str(),
                }
            ) if number == self._number:
                return told
        raise Unreadable("the answer is not the driver's")
