"""A problem that cannot be judged: its tests are not of a form that we know."""

from klearctl.errors import KlearError


class Malformed(KlearError):
    """What is wrong with the tests, by name. The row is bad, not the response."""

    exit_code = 2
