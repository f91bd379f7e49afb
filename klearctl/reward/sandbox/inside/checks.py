"""Runs the tests' own code where no model code is: code in; whether it passed, out. Its calls are asked outside.

    {"n": 0, "do": "load", "names": {"candidate": "Solution().f"}}  {"n": 0, "passed": true}
    {"n": 1, "do": "check", "code": TEXT}                           {"n": 1, "ask": REQUEST} any number of times, each
                                                                    answered by {"value": TREE} or {"raised": ...}
                                                                    {"n": 1, "passed": true} or {"n": 1, "raised": ...}

A name that neither the tests nor Python know is the candidate's, as a class that the problem asks for: it can make
objects, and no value comes of it that a test could take for its own. An object of the candidate is a number here: it
can be called, and its attributes read and set, all of which happens over there; it equals nothing, is unequal to
nothing, and is neither true nor false.
"""

import ast
import builtins
import json
from typing import Any

from . import plain, preamble
from .calls import Channel, message


def run(source: bytes, channel: Channel) -> None:
    """Answers requests until there are none; the source is the setup that all tests share."""
    space: dict[str, Any] = {"__name__": "tests"} | preamble.NAMES
    candidate = Candidate(channel)
    while (frame := channel.receive()) is not None:
        request = json.loads(frame)
        candidate.number = request["n"]
        if request["do"] == "load":
            space |= {name: Remote(candidate, of) for name, of in request["names"].items()}
            reply = execute(source, space, candidate)
        else:
            reply = execute(request["code"], dict(space), candidate)
        channel.send(json.dumps({"n": request["n"]} | reply).encode())


def execute(code: str | bytes, space: dict[str, Any], candidate: "Candidate") -> dict[str, plain.Tree]:
    """Runs code of the tests; says whether it passed, or what it raised."""
    try:
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in space and not hasattr(builtins, node.id):
                space[node.id] = Unasked(candidate, node.id)  # a test that sets this name puts its own in its place
        exec(compile(tree, "tests.py", "exec", dont_inherit=True), space)
    except BaseException as error:
        return {"raised": [type(error).__name__, message(error)]}
    return {"passed": True}


class Candidate:
    """The program under test, behind the channel."""

    number = 0
    """Of the request that is being answered."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def ask(self, request: dict[str, plain.Tree]) -> Any:
        """What the candidate returns. What it raises is raised, by the built-in exception of that name."""
        self._channel.send(json.dumps({"n": self.number, "ask": request}).encode())
        reply = json.loads(self._channel.receive() or b"{}")
        if "raised" in reply:
            kind, text = reply["raised"]
            raise _exception(kind)(text)
        return plain.unpack(reply["value"], lambda number: Remote(self, {"$held": number}))


class Remote:
    """A name or an object of the candidate."""

    def __init__(self, candidate: Candidate, of: plain.Tree) -> None:
        vars(self).update(_candidate=candidate, _of=of)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        words = {name: plain.pack(value, _held) for name, value in kwargs.items()}
        packed = [plain.pack(value, _held) for value in args]
        return self._candidate.ask({"do": "call", "of": self._of, "args": packed, "kwargs": words, "keep": True})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what copy and the like look for
            raise AttributeError(name)
        return self._candidate.ask({"do": "get", "of": self._of, "name": name})

    def __setattr__(self, name: str, value: Any) -> None:
        self._candidate.ask({"do": "set", "of": self._of, "name": name, "value": plain.pack(value, _held)})

    def __ne__(self, other: object) -> bool:
        raise TypeError("an object of the candidate is unequal to nothing")

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError("an object of the candidate is neither true nor false")


class Unasked(Remote):
    """A name of the candidate that is not the one under test: what tests the candidate must not be the candidate's."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._made(super().__call__(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return self._made(super().__getattr__(name))

    def _made(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return value
        raise NameError(f"name {self._of!r} is not defined by the tests, and may give them no value")


def _exception(name: str) -> type[Exception]:
    known = vars(builtins).get(name)
    if isinstance(known, type) and issubclass(known, Exception) and known is not StopIteration:
        return known
    return RuntimeError  # StopIteration would end a loop of the tests as if all were well


def _held(value: object) -> plain.Tree:
    if isinstance(value, Remote) and not isinstance(value._of, str):
        return value._of
    if isinstance(value, type) and value in vars(builtins).values():
        return {"$held": value.__name__}
    raise TypeError(f"a {type(value).__name__} cannot be given to the candidate")
