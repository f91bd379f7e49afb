"""Settings from TOML: layers of plain dicts in, one frozen dataclass tree out.

Layers, later ones win: defaults < recipe < `-f FILE` < `--set KEY=VALUE`.
"""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from klearctl.errors import ConfigError

T = TypeVar("T")
Tree = dict[str, Any]


def load(kind: type[T], layers: Iterable[Mapping[str, Any]], *, prefix: str = "") -> T:
    """The settings of one stage, from its layers.

    Raises:
        ConfigError: an unknown key (with a suggestion), a wrong type, or a value beyond its limit.
    """
    merged: Tree = {}
    for layer in layers:
        merged = merge(merged, layer)
    return from_dict(kind, merged, prefix=prefix)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    """Both trees as one; where both hold a value, the upper one counts. Lists are replaced whole."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def read_toml(path: Path) -> Tree:
    """A TOML file as a tree.

    Raises:
        ConfigError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix="check the path") from error
    except ValueError as error:  # tomllib's own error, and bytes that are not UTF-8
        raise ConfigError(f"{path} is not TOML: {error}", fix="see https://toml.io") from error


_PATH_KEYS = ("model", "data", "address", "models")


def absolute_paths(tree: Tree, folder: Path) -> Tree:
    """Models and data that lie in that folder by their absolute paths: a pod has another working folder."""
    return {key: _absolute(value, key, folder) for key, value in tree.items()}


def _absolute(value: Any, key: str, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {name: _absolute(item, "models" if key == "models" else name, folder) for name, item in value.items()}
    if isinstance(value, list):
        return [_absolute(item, key, folder) for item in value]
    if isinstance(value, str) and key in _PATH_KEYS and ":" not in value and (folder / value).exists():
        return str((folder / value).resolve())
    return value


def parse_sets(words: Iterable[str]) -> Tree:
    """`KEY=VALUE` words as one tree; a VALUE is TOML, else a string.

    Raises:
        ConfigError: a word without `=` or with an empty key.
    """
    tree: Tree = {}
    for word in words:
        key, equals, text = word.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            raise ConfigError(
                f"--set {word} is not KEY=VALUE",
                fix="for example --set optimizer.lr=1e-5",
            )
        value: Any = _value(text)
        for part in reversed(parts):
            value = {part: value}
        tree = merge(tree, value)
    return tree


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def from_dict(kind: type[T], tree: Mapping[str, Any], *, prefix: str = "") -> T:
    """A dataclass from a tree of plain values, checked key by key.

    Raises:
        ConfigError: see `load`.
    """
    hints = typing.get_type_hints(kind)
    for key in tree:
        if key not in hints:
            raise _unknown(f"{prefix}{key}", [f"{prefix}{name}" for name in hints])
    return kind(**{key: _convert(hints[key], value, f"{prefix}{key}") for key, value in tree.items()})


def to_dict(config: Any) -> Tree:
    """The tree of a dataclass, as JSON can hold it."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def texts(value: Any) -> list[str]:
    """Every text in a tree, however deep."""
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _convert(hint: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "a table")
        return from_dict(hint, value, prefix=f"{key}.")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(key, value, "a list")
        return tuple(_convert(arguments[0], item, f"{key}[{place}]") for place, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "a table")
        return {name: _convert(arguments[1], item, f"{key}.{name}") for name, item in value.items()}
    if origin is types.UnionType:
        if type(value) not in arguments:
            raise _wrong(key, value, " or ".join(argument.__name__ for argument in arguments))
        return value
    return _scalar(hint, value, key)


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _scalar(hint: type, value: Any, key: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise _wrong(key, value, _WORDS[hint])
    return value


def _wrong(key: str, value: Any, wanted: str) -> ConfigError:
    return ConfigError(f"{key} is {value!r}", fix=f"{key} takes {wanted}")


def _unknown(key: str, known: list[str]) -> ConfigError:
    near = difflib.get_close_matches(key, known, n=1)
    return ConfigError(
        f"{key} is not a setting",
        fix=f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}",
    )
