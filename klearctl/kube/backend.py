"""What commands see of a backend: eight verbs on objects. `local` has them, a cluster has them."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

Manifest = dict[str, Any]


class LogLine(Protocol):
    """One line that a container wrote."""

    @property
    def attempt(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def container(self) -> str: ...
    @property
    def text(self) -> str: ...


class Backend(Protocol):
    """Objects by kind and name, in the run's namespace."""

    def apply(self, objects: list[Manifest]) -> list[str]:
        """Makes or changes them; `created`, `configured` or `unchanged` for each."""

    def get(self, kind: str, name: str) -> Manifest | None:
        """The object, or None."""

    def list(self, kind: str, selector: Mapping[str, str] = ...) -> list[Manifest]:
        """The objects that have all these labels."""

    def watch(self, kind: str, selector: Mapping[str, str], timeout_s: float) -> Iterator[tuple[str, Manifest]]:
        """ADDED for each object that is there, then every change, until the time is up."""

    def patch(self, kind: str, name: str, patch: Manifest) -> Manifest:
        """JSON merge patch; the object as it is then."""

    def delete(self, kind: str, name: str) -> None:
        """Removes it with what belongs to it, once its pods have ended."""

    def drop_logs(self, run: str) -> None:
        """Removes what its containers wrote."""

    def logs(self, run: str, *, role: str | None, rank: int | None, follow: bool) -> Iterator[LogLine]:
        """What its containers wrote, also those that are gone."""
