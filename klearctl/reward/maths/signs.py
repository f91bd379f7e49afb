"""One spelling for what LaTeX and Unicode spell in many ways: tables for `tokens`."""
# ruff: noqa: RUF001 - its subject is signs that look alike

SIGNS = str.maketrans({
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": r"\div ", "π": r"\pi ",
    "√": r"\sqrt ", "°": r"\degree ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "∞": r"\infty ",
    "∪": r"\cup ", "∈": r"\in ", "±": r"\pm ", "∓": r"\mp ", "²": "^2", "³": "^3", "…": r"\ldots ", "\xa0": " ",
    "ℝ": r"\mathbb{R}", "∅": r"\emptyset ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "½": r"\frac{1}{2}", "€": r"\$", "£": r"\$", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
})  # fmt: skip
"""Characters that stand for commands."""

_ALIKE = {
    r"\frac": r"\dfrac \tfrac \cfrac",
    r"\binom": r"\dbinom \tbinom",
    r"\le": r"\leq \leqslant \leqq",
    r"\ge": r"\geq \geqslant \geqq",
    r"\ne": r"\neq",
    r"\approx": r"\simeq \thickapprox \doteq",
    r"\ldots": r"\dots \cdots \dotsc \dotsb",
    r"\emptyset": r"\varnothing",
    r"\setminus": r"\backslash",
    r"\mathbb{R}": r"\R",
    r"\in": r"\isin",
    r"\overline": r"\bar",
    r"\%": "%",
    r"\{": r"\lbrace",
    r"\}": r"\rbrace",
    "*": r"\ast \cdot \times",
    "/": r"\div",
    "|": r"\lvert \rvert \vert \mid",
    "[": r"\lbrack",
    "]": r"\rbrack",
    "(": r"\langle",
    ")": r"\rangle",
    "<": r"\lt",
    ">": r"\gt",
    ":": r"\colon",
    r"\text and": r"\land \wedge",
    r"\text or": r"\lor \vee",
}
SAME = {spelling: one for one, many in _ALIKE.items() for spelling in many.split()}
"""Commands that stand for others."""

_SIZES = (
    r"\left \right \mleft \mright \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr"
)
_STYLES = r"\displaystyle \textstyle \scriptstyle \limits \nolimits \boxed \fbox \bf \rm \it \sf \tt \boldmath \phantom"
_SPACES = r"\quad \qquad \, \; \: \! \> \( \) \[ \] \hfill \enspace \thinspace $ ~"
_TEXTS = r"\text \mbox \hbox \textbf \textit \textrm \textsf \textnormal \texttt \emph \operatorname"
_LETTERS = r"\mathrm \mathbf \mathit \mathsf \mathtt \mathnormal \mathbb \boldsymbol \bm"

SIZES = frozenset(_SIZES.split())
"""Commands that size the bracket after them; of `\\left.` nothing is seen."""

GONE = SIZES | frozenset([*_STYLES.split(), *_SPACES.split(), "\\ ", "\\\n", "\\\t"])
"""What is not seen, or says nothing."""

FONTS = frozenset([*_TEXTS.split(), *_LETTERS.split()])
"""Commands whose argument is words, or mathematics in another font."""
