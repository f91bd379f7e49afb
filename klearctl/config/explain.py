"""What a setting means: its type, its default and its text, read from the dataclasses themselves."""

import ast
import dataclasses
import difflib
import inspect
import textwrap
import typing
from dataclasses import dataclass
from typing import Any

from klearctl.config.platform import PlatformConfig
from klearctl.config.stages import config_type
from klearctl.errors import ConfigError
from klearctl.run import STAGES


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, as `klearctl explain` prints it."""

    key: str
    kind: str
    default: Any
    text: str
    inner: bool
    """Whether it is a table of further settings."""


_NEAR = 0.75  # as rl.loss.clip_hihg is to rl.loss.clip_high, and rl.nope is not to rl.model


def explain(key: str) -> list[Setting]:
    """The setting of that key, or all settings below it. `klear` holds those of klear.toml.

    Raises:
        ConfigError: there is no such setting.
    """
    head, _, rest = key.partition(".")
    roots: dict[str, type] = {stage: config_type(stage) for stage in STAGES} | {"klear": PlatformConfig}
    if head not in roots:
        if whole := _with_stage(key, roots):
            raise ConfigError(f"{key} is not a setting", fix=f"did you mean {' or '.join(whole)}?")
        raise _unknown(key, list(roots))
    found = settings(roots[head](), head)
    if not rest:
        return found
    chosen = [setting for setting in found if setting.key == key or setting.key.startswith(f"{key}.")]
    if not chosen:
        near = difflib.get_close_matches(key, [setting.key for setting in found], n=1, cutoff=_NEAR)
        fix = f"did you mean {near[0]}?" if near else f"klearctl explain {head} has them all"
        raise ConfigError(f"{key} is not a setting", fix=fix)
    return chosen


def _with_stage(key: str, roots: dict[str, type]) -> list[str]:
    """The settings of that key where its stage was left out."""
    return [one.key for head, kind in roots.items() for one in settings(kind(), head) if one.key == f"{head}.{key}"]


def settings(example: Any, prefix: str) -> list[Setting]:
    """Every setting below a dataclass, depth first; an instance of it holds the defaults."""
    kind = type(example)
    texts, hints = _texts(kind), typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        hint, key, default = hints[field.name], f"{prefix}.{field.name}", getattr(example, field.name)
        inner = dataclasses.is_dataclass(default)
        found.append(Setting(key, _kind(hint), None if inner else default, texts[field.name], inner))
        if inner:
            found += settings(default, key)
        elif element := _element(hint):
            found += settings(element(), f"{key}[]")
    return found


def _element(hint: Any) -> type | None:
    arguments = typing.get_args(hint)
    return arguments[0] if arguments and dataclasses.is_dataclass(arguments[0]) else None  # type: ignore[return-value]


_NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def _kind(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"list of {_kind(typing.get_args(hint)[0])}"
    if origin is dict or dataclasses.is_dataclass(hint):
        return "table"
    return _NAMES.get(hint, "value")


def _texts(kind: type) -> dict[str, str]:
    """The text that stands under each field, its bases' fields among them."""
    found: dict[str, str] = {}
    for owner in reversed([one for one in kind.__mro__ if dataclasses.is_dataclass(one)]):
        found |= _own_texts(owner)
    return found


def _own_texts(kind: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, follower in zip(body.body, body.body[1:], strict=False):
        match statement, follower:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found


def _unknown(key: str, known: list[str]) -> ConfigError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=_NEAR)
    return ConfigError(
        f"{key} is not a setting", fix=f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
    )
