"""Serves calls of a program's functions: requests in; what the functions return, as plain data, out.

    {"n": 0, "do": "load"}                                          {"n": 0, "value": null} or {"n": 0, "syntax": TEXT}
    {"n": 1, "do": "call", "of": "Solution().f",                    {"n": 1, "value": TREE}
     "args": [TREE...], "kwargs": {NAME: TREE}, "keep": false}      or {"n": 1, "raised": [TYPE, TEXT]}
    {"n": 2, "do": "get", "of": {"$held": 0}, "name": "left"}
    {"n": 3, "do": "set", "of": {"$held": 0}, "name": "left", "value": TREE}

With `keep`, what is no plain data stays here and its number is the answer, for tests that build with the program's own
classes. Whoever asks believes nothing of an answer but that it was given: the program may write to the channel itself.
"""

import builtins
import json
import re
import sys
import types
from typing import Any, Protocol

from . import plain, preamble

MESSAGE = 500  # characters of an exception that are told
_METHOD = re.compile(r"(\w+)\(\)\.(\w+)")


class Channel(Protocol):
    """Frames, both ways."""

    def send(self, frame: bytes) -> None:
        """Sends one frame."""

    def receive(self) -> bytes | None:
        """The next frame; None where there will be none."""


def run(source: bytes, channel: Channel) -> None:
    """Answers requests until there are none."""
    program = Program(source)
    while (frame := channel.receive()) is not None:
        request = json.loads(frame)
        channel.send(json.dumps({"n": request["n"]} | answer(program, request)).encode())


def answer(program: "Program", request: dict[str, Any]) -> dict[str, plain.Tree]:
    """What a request comes to. Whatever the program raises, SystemExit too, is its answer."""
    try:
        if request["do"] == "load" and (wrong := program.compile()):
            return {"syntax": wrong}
        return {"value": getattr(program, request["do"])(request)}
    except BaseException as error:
        return {"raised": [type(error).__name__, message(error)]}


def message(error: BaseException) -> str:
    """What the exception says, trimmed; nothing where its own `__str__` cannot say."""
    try:
        return str(error)[:MESSAGE]
    except BaseException:
        return ""


class Program:
    """The program as a module, and the objects of its own that it holds for whoever asks."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._module = types.ModuleType("solution")
        self._held: list[object] = []

    def compile(self) -> str:
        """What is wrong with the source, nothing where it compiles."""
        try:
            self._code = compile(self._source, "solution.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:  # ValueError: null bytes
            return message(error) or type(error).__name__
        return ""

    def load(self, _: dict[str, Any]) -> None:
        """Runs the module."""
        sys.modules["solution"] = self._module  # dataclasses look there
        sys.setrecursionlimit(preamble.RECURSION)
        vars(self._module).update(preamble.NAMES)
        exec(self._code, vars(self._module))

    def call(self, request: dict[str, Any]) -> plain.Tree:
        """Calls a function with arguments of its own."""
        function = self._find(request["of"])
        args = [self._value(each) for each in request["args"]]
        kwargs = {name: self._value(each) for name, each in request["kwargs"].items()}
        return self._tell(function(*args, **kwargs), keep=request["keep"])

    def get(self, request: dict[str, Any]) -> plain.Tree:
        """An attribute of an object."""
        return self._tell(getattr(self._find(request["of"]), request["name"]), keep=True)

    def set(self, request: dict[str, Any]) -> None:
        """Sets an attribute of an object."""
        setattr(self._find(request["of"]), request["name"], self._value(request["value"]))

    def _find(self, of: Any) -> Any:
        if not isinstance(of, str):
            return self._value(of)
        method = _METHOD.fullmatch(of)
        return getattr(self._named(method[1])(), method[2]) if method else self._named(of)

    def _named(self, name: str) -> Any:
        try:
            return vars(self._module)[name]
        except KeyError:
            raise NameError(f"name '{name}' is not defined") from None

    def _value(self, tree: plain.Tree) -> Any:
        return plain.unpack(tree, self._holder)

    def _holder(self, key: int | str) -> object:
        """What is held by that number, or Python's own type of that name: tests may pass `int`."""
        return vars(builtins)[key] if isinstance(key, str) else self._held[key]

    def _tell(self, value: object, *, keep: bool) -> plain.Tree:
        try:
            return plain.pack(value, self._hold if keep else None)
        except ValueError as error:
            return {"$other": message(error)}

    def _hold(self, value: object) -> plain.Tree:
        self._held.append(value)
        return {"$held": len(self._held) - 1}
