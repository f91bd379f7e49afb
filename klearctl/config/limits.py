"""Limits of settings, checked where a dataclass is made; the message holds the value."""

from collections.abc import Sequence

from klearctl.errors import ConfigError


def at_least(name: str, value: float, least: float) -> None:
    """Raises ConfigError where the value is below its limit."""
    if not value >= least:  # NaN is no value either
        raise ConfigError(f"{name} is {value}", fix=f"at least {least}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raises ConfigError where the value lies outside low..high (both allowed)."""
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}", fix=f"between {low} and {high}")


def positive(name: str, value: float) -> None:
    """Raises ConfigError where the value is zero or less."""
    if not value > 0:
        raise ConfigError(f"{name} is {value}", fix="above 0")


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Raises ConfigError where the word is none of the choices."""
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}", fix=f"one of {', '.join(choices)}")
