r"""One expression, read strictly: tokens in, a tree out.

What is not wholly understood is Unread, never guessed at: no sum, integral or limit is read, no word, no relation,
and no two numbers side by side but `10 000` and `1 1/2`. A factor after `a/b` multiplies the whole.
"""

from collections.abc import Sequence

from klearctl.reward.maths.cursor import Cursor
from klearctl.reward.maths.digits import is_number, number
from klearctl.reward.maths.tree import DEEPEST, Tree, Unread, depth, literal
from klearctl.reward.maths.words import CALLED

LONGEST = 1_000  # tokens

_GREEK = (
    r"\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \kappa \lambda \mu \nu \xi \rho \ell"
    r" \sigma \tau \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Sigma \Phi \Psi \Omega"
)
GREEK = frozenset(_GREEK.split())
_CONSTANTS = {"e": "e", "i": "i", r"\pi": "pi", r"\infty": "infinity"}
_CALLED = frozenset("\\" + name for name in CALLED)
_CLOSES = {"(": ")", "{": "}", "[": "]", "|": "|", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
_INSIDE = {"|": "abs", r"\lfloor": "floor", r"\lceil": "ceiling"}


def read(tokens: Sequence[str]) -> Tree:
    """The whole of the tokens as one expression.

    Raises:
        Unread: they are none.
    """
    if len(tokens) > LONGEST:
        raise Unread("too long")
    at = Cursor(tokens)
    tree = _Reader(at).sum()
    if at.next:
        raise Unread(at.next)
    if depth(tree) > 2 * DEEPEST:
        raise Unread("too deep")
    return tree


class _Reader:
    def __init__(self, at: Cursor) -> None:
        self._at = at
        self._open: list[str] = []  # what closes the brackets we are in
        self._depth = 0

    def sum(self) -> Tree:
        terms = [self._term()]
        while self._at.next in {"+", "-"}:
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else Tree("+", tuple(terms))

    def _term(self) -> Tree:
        sign = ""
        while self._at.next in {"+", "-"}:
            sign += self._at.take()
        if len(sign) > 2:
            raise Unread(sign)
        product = self._product()
        return Tree("-", (product,)) if sign.count("-") % 2 else product

    def _product(self) -> Tree:
        factors = [self._power()]
        while True:
            if self._at.next == "*":
                self._at.take()
                factors.append(self._signed())
            elif self._at.next in {"/", ":"}:
                self._at.take()
                factors = [Tree("/", (_times(factors), self._signed()))]
            elif self._starts_a_factor():
                factors.append(self._power())
            else:
                return _times(factors)

    def _signed(self) -> Tree:
        if self._at.next == "-":
            self._at.take()
            return Tree("-", (self._power(),))
        return self._power()

    def _starts_a_factor(self) -> bool:
        token = self._at.next
        if token in {"|", "["}:
            return token not in self._open
        if is_number(token):
            return self._at.taken == ")"  # (n - 2) 2^n
        return token in {"(", "{", r"\frac", r"\sqrt", r"\binom"} or token in _CLOSES or _is_name(token) or (
            token in _CONSTANTS or token in _CALLED
        )  # fmt: skip

    def _power(self) -> Tree:
        tree = self._atom()
        while self._at.next in {"^", "!", r"\%", r"\degree"}:
            mark = self._at.take()
            if mark == "^":
                tree = Tree("^", (tree, self._argument(whole=True)))
            else:
                tree = Tree({"!": "factorial", r"\%": "percent", r"\degree": "degree"}[mark], (tree,))
        return tree

    def _atom(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unread("too deep")
        tree = number(self._at) if is_number(self._at.next) else self._named(self._at.take())
        self._depth -= 1
        return tree

    def _named(self, token: str) -> Tree:
        if token in _CONSTANTS:
            return Tree(_CONSTANTS[token])
        if _is_name(token):
            return Tree("name", name=token + self._subscript())
        if token in _CLOSES:
            inner = self._until(_CLOSES[token])
            return Tree(_INSIDE[token], (inner,)) if token in _INSIDE else inner
        if token == r"\frac":
            return Tree("/", (self._argument(), self._argument()))
        if token == r"\binom":
            return Tree("binomial", (self._argument(), self._argument()))
        if token == r"\sqrt":
            return self._root()
        if token in _CALLED:
            return self._call(token[1:])
        raise Unread(token)

    def _until(self, close: str) -> Tree:
        self._open.append(close)
        inner = self.sum()
        self._at.expect(close)
        self._open.pop()
        return inner

    def _argument(self, *, whole: bool = False) -> Tree:
        r"""One argument of a command: a group, else one token, of a number its first digit: `\frac12`."""
        token = self._at.next
        if token == "{":
            return self._until_after("{")
        if token.isdigit() and not whole:
            return literal(self._at.digit())
        if whole and token == "-":  # 2^-3, as some write
            self._at.take()
            return Tree("-", (self._atom(),))
        return self._atom()

    def _until_after(self, bracket: str) -> Tree:
        self._at.expect(bracket)
        return self._until(_CLOSES[bracket])

    def _root(self) -> Tree:
        index = self._until_after("[") if self._at.next == "[" else literal("2")
        return Tree("root", (self._until_after("(") if self._at.next == "(" else self._argument(), index))

    def _call(self, function: str) -> Tree:
        base = None
        if function == "log" and self._at.next == "_":
            self._at.take()
            base = self._argument(whole=True)
        power = None
        if self._at.next == "^":
            self._at.take()
            power = self._argument(whole=True)
        argument = self._called_on()
        called = Tree(function, (argument, base) if base else (argument,))
        return Tree("^", (called, power)) if power else called

    def _called_on(self) -> Tree:
        if self._at.next in {"(", "{", "["}:
            return self._until_after(self._at.next)
        factors = [self._power()]
        while self._starts_a_factor() and self._at.next not in _CALLED and self._at.next not in _CLOSES:
            factors.append(self._power())
        return _times(factors)

    def _subscript(self) -> str:
        if self._at.next != "_":
            return ""
        self._at.take()
        token = self._at.take()
        if token != "{":
            return f"_{token}"
        inside = []
        while self._at.next not in {"}", "{", ""}:
            inside.append(self._at.take())
        self._at.expect("}")
        return "_" + "".join(inside)


def _times(factors: list[Tree]) -> Tree:
    return factors[0] if len(factors) == 1 else Tree("*", tuple(factors))


def _is_name(token: str) -> bool:
    return token in GREEK or (len(token) == 1 and token.isascii() and token.isalpha() and token not in _CONSTANTS)
