"""LiveCodeBench's own rows: the public and the private tests of a row in; tests as we write them out.

The private tests are a pickle in zlib in base64, which LiveCodeBench unpickles: whoever writes the file runs code on
the machine that reads it. The pickle holds one text, so ours is read by hand and may hold nothing else.
"""

import base64
import binascii
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from klearctl.reward.code.malformed import Malformed

MOST_BYTES = 1 << 28  # of one row's private tests; the largest have some tens of MB

_PROTO, _FRAME, _STOP = b"\x80", b"\x95", b"."
_TEXTS = {b"\x8c": "<B", b"X": "<I", b"\x8d": "<Q"}  # SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
_MEMOS = {b"\x94": 0, b"q": 1, b"r": 4}  # MEMOIZE, BINPUT, LONG_BINPUT, and the bytes that follow them


def tests(row: Mapping[str, Any]) -> dict[str, Any]:
    """Its tests, public ones first.

    What a program prints is compared by LiveCodeBench number by number where the lines differ, hence `float`.

    Raises:
        Malformed: they are not as LiveCodeBench writes them.
    """
    cases = _cases(row["public_test_cases"], "public_test_cases") + _private(row["private_test_cases"])
    inputs, outputs = [case["input"] for case in cases], [case["output"] for case in cases]
    metadata = _json(row.get("metadata") or "{}", "metadata")
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    if name is None:
        return {"inputs": inputs, "outputs": outputs, "function": None, "compare": "float", "tolerance": 0.0}
    values = [_json(output, "an output") for output in outputs]
    return {"function": f"Solution().{name}", "inputs": inputs, "outputs": values}


def text_of_pickle(data: bytes) -> str:
    """The one text that the pickle holds. Anything else in it is refused, and nothing of it is run.

    Raises:
        Malformed: it holds something else.
    """
    if data[:1] != _PROTO or data[-1:] != _STOP:
        raise Malformed("the pickle is no pickle of one text")
    place, text = 2, None
    while place < len(data) - 1:
        code, place = data[place : place + 1], place + 1
        if code == _FRAME:
            place += 8
        elif code in _TEXTS and text is None:
            size = _number(_TEXTS[code], data, place)
            place += struct.calcsize(_TEXTS[code])
            text, place = data[place : place + size], place + size
        elif code in _MEMOS and text is not None:
            place += _MEMOS[code]
        else:
            raise Malformed(f"the pickle of the private tests holds more than a text: {code!r} at byte {place - 1}")
    if text is None or place != len(data) - 1:
        raise Malformed("the pickle of the private tests ends early")
    return text.decode("utf-8", "surrogatepass")


def _number(form: str, data: bytes, place: int) -> int:
    try:
        return int(struct.unpack_from(form, data, place)[0])
    except struct.error:
        raise Malformed("the pickle of the private tests ends early") from None


def _private(field: str) -> list[dict[str, Any]]:
    if field.lstrip()[:1] == "[":
        return _cases(field, "private_test_cases")
    try:
        packed = base64.b64decode(field, validate=True)
        inflate = zlib.decompressobj()
        data = inflate.decompress(packed, MOST_BYTES)
        if not inflate.eof:
            raise Malformed(f"private_test_cases ends early, or holds more than {MOST_BYTES} bytes")
        return _cases(text_of_pickle(data), "private_test_cases")
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise Malformed(f"private_test_cases cannot be unpacked: {error}") from None


def _cases(field: str, name: str) -> list[dict[str, Any]]:
    cases = _json(field, name)
    if not isinstance(cases, list) or not all(
        isinstance(case, dict) and {"input", "output"} <= case.keys() for case in cases
    ):
        raise Malformed(f"{name} is no list of tests with input and output")
    return cases


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{name} is no JSON: {error}") from None
