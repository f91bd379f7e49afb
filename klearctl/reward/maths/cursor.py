"""A place in a list of tokens: what comes next, and taking it."""

from collections.abc import Sequence

from klearctl.reward.maths.tree import Unread


class Cursor:
    """Tokens from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._left = list(tokens)[::-1]
        self.taken = ""
        """The last one."""

    @property
    def next(self) -> str:
        """The token that comes next; empty at the end."""
        return self._left[-1] if self._left else ""

    def ahead(self, count: int) -> list[str]:
        """So many tokens, and fewer at the end."""
        return self._left[: -count - 1 : -1]

    def take(self) -> str:
        """The next token.

        Raises:
            Unread: there is none.
        """
        if not self._left:
            raise Unread("ends too early")
        self.taken = self._left.pop()
        return self.taken

    def expect(self, token: str) -> None:
        """Takes this one.

        Raises:
            Unread: another one comes.
        """
        if self.take() != token:
            raise Unread(f"no {token}")

    def digit(self) -> str:
        r"""The first digit of the number that comes next, as in `\frac12`; what is left of it stays."""
        number = self.take()
        if len(number) > 1:
            self._left.append(number[1:])
        return number[0]
