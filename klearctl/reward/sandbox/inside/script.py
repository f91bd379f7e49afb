"""A program that reads stdin and prints: source in; runs as `__main__` of a fresh interpreter would, then exits."""

import atexit
import io
import os
import sys
import threading
import traceback
import types
from typing import NoReturn, Protocol

COMPILED = b"compiled"
COMPILE_ERROR = b"compile_error\n"  # and the message after it
MEMORY_ERROR = b"memory_error"  # no except clause of the program took its MemoryError

NAME = "solution.py"


class Channel(Protocol):
    """What is sent on it is seen outside."""

    def send(self, frame: bytes) -> None:
        """Sends one frame."""


def run(source: bytes, channel: Channel) -> NoReturn:
    """Says whether it compiles, runs it, and exits with the code that `python solution.py` would exit with."""
    _fresh_streams()
    try:
        code = compile(source, NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:  # ValueError: null bytes
        channel.send(COMPILE_ERROR + "".join(traceback.format_exception_only(error)).encode("utf-8", "replace"))
        os._exit(1)
    channel.send(COMPILED)
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    sys.argv = [NAME]
    os._exit(_exit_code(code, main, channel))


def _exit_code(code: types.CodeType, main: types.ModuleType, channel: Channel) -> int:
    """Runs it, its threads and what it left for the exit."""
    try:
        exec(code, main.__dict__)
        ended = 0
    except SystemExit as error:
        ended = _code_of(error)
    except BaseException as error:  # the program's own: whatever it is, it is shown and the exit code is 1
        if isinstance(error, MemoryError):
            channel.send(MEMORY_ERROR)
        ours = error.__traceback__
        error.__traceback__ = ours.tb_next if ours else None  # what it shows is the program's alone
        sys.excepthook(type(error), error, error.__traceback__)
        ended = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    return _flushed(ended)


def _code_of(error: SystemExit) -> int:
    """As `sys.exit` documents: None is 0, a number is itself, all else is printed and 1."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _flushed(code: int) -> int:
    """The code, or 120 where what was printed cannot be written, as `sys.exit` documents."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError):
            code = code or 120
    return code


def _fresh_streams() -> None:
    """stdin, stdout and stderr as a new interpreter in the locale C.UTF-8 opens them."""
    streams = {
        "stdin": _text(io.BufferedReader(io.FileIO(0, "r", closefd=False)), "surrogateescape", newline=None),
        "stdout": _text(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "surrogateescape"),
        "stderr": _text(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "backslashreplace", line_buffering=True),
    }
    for name, stream in streams.items():
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _text(
    stream: io.BufferedReader | io.BufferedWriter,
    errors: str,
    *,
    newline: str | None = "\n",
    line_buffering: bool = False,
) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8", errors=errors, newline=newline, line_buffering=line_buffering)
