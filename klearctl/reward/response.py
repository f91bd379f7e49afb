r"""What a response says: its text in; what it says after its thought, its last box, its last block of code out.

Pure and linear in the length of the text; no text makes it raise. Nothing of the text is ever evaluated.
"""

import re

THINK_START, THINK_END = "<think>", "</think>"
LONGEST_BOX = 10_000  # characters; a box that does not close within them holds no answer

_BOX = re.compile(r"\\boxed\s*\{")
_BRACE = re.compile(r"[{}]")
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>```+|~~~+)(?P<word>[^\n`]*)$", re.MULTILINE)
_PYTHON = (["python"], ["py"], ["python3"])


def spoken(text: str, *, must_think: bool) -> str | None:
    """What follows the last `</think>`; a text without any mark of thought speaks from its start, unless it must think.

    None where the text says nothing: its thought never ends, or it must think and did not.
    """
    _, end, after = text.rpartition(THINK_END)
    if end:
        return after
    return None if must_think or THINK_START in text else text


def last_boxed(said: str) -> str | None:
    r"""What the last `\boxed{...}` holds.

    None where there is none, and where the braces of the last one never close: a response that was cut has no
    answer, whatever it boxed before.
    """
    start = max((box.end() for box in _BOX.finditer(said)), default=-1)
    if start < 0:
        return None
    depth = 1
    for brace in _BRACE.finditer(said, start, start + LONGEST_BOX):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return said[start : brace.start()]
    return None


def last_code(said: str) -> str | None:
    """The last fenced block that calls itself python, py or python3.

    None where there is none, and where the last one never closes: it was cut.
    """
    found: str | None = None
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(said):
        if opened and _is_python(opened) and not fence["marks"].startswith(opened["marks"]):
            continue  # a line of the code: ``` within ````, ~~~ within ```
        if opened is None or fence["word"].strip():  # a fence with a word always opens: the one before was forgotten
            opened = fence
        else:
            if _is_python(opened):
                found = _outdented(said[opened.end() + 1 : fence.start()], opened["indent"])
            opened = None
    return None if opened and _is_python(opened) else found


def _is_python(fence: re.Match[str]) -> bool:
    return fence["word"].lower().split()[:1] in _PYTHON  # a title or the like may follow


def _outdented(code: str, indent: str) -> str:
    """The code of a block that stands in a list, without the indentation of its fence."""
    lines = code.split("\n")
    if not all(line.startswith(indent) for line in lines if line.strip()):
        return code
    return "\n".join(line.removeprefix(indent) for line in lines)
