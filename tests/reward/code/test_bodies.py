"""The bodies of `check(candidate)`: cut into assertions where they can be, whole where not."""

from textwrap import dedent

import pytest

from klearctl.reward.code.bodies import argument, split, without


@pytest.mark.parametrize(
    ("code", "setup", "asserts"),
    [
        (
            """
            META = {'author': 'x'}
            def check(candidate):
                import math
                limit = 1e-6
                assert candidate(1) == 2
                assert abs(candidate(3)) < limit, 'why'
            check(f)
            """,
            "META = {'author': 'x'}\nimport math\nlimit = 1e-6",
            ["assert candidate(1) == 2", "assert abs(candidate(3)) < limit, 'why'"],
        ),
        (
            """
            def check(candidate):
                for x in range(3):
                    assert candidate(x) == x
                assert candidate('é; ', 'ü') == 1; assert candidate(2) == 2
            """,
            "",
            [
                "for x in range(3):\n    assert candidate(x) == x",
                "assert candidate('é; ', 'ü') == 1",
                "assert candidate(2) == 2",
            ],
        ),
        (
            '''
            def check(candidate):
                assert candidate("""a
                    b""") == 1
            ''',
            "",
            [r"assert candidate('a\n        b') == 1"],  # the text keeps its spaces
        ),
        ("def check(f):\n    x = 1\n    assert f(x)\n    x = 2\n    assert f(x)", "", None),  # which x?
        ("def check(f):\n    assert f(1)\n    if f(2):\n        return\n    assert f(3)", "", None),
        ("assert f(1) == 1", "", ["assert f(1) == 1"]),
    ],
)  # fmt: skip
def test_a_body_is_cut_into_its_assertions(code, setup, asserts):
    code = dedent(code)
    assert split(code, "test") == (setup, asserts or [f"{code}\ncheck(f)"])


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("def check(c): pass\ncheck(Solution().f)", "Solution().f"),
        ("def check(c): pass\ncheck(f)\n", "f"),
        ("def check(c): pass", None),
    ],
)
def test_what_check_is_given_is_the_entry(code, given):
    assert argument(code, "tests") == given


def test_helpers_stay_when_the_function_under_test_goes():
    assert without("import math\ndef poly(x):\n    return x\ndef f(x):\n    '''Says.'''", "f") == (
        "import math\n\ndef poly(x):\n    return x"
    )
