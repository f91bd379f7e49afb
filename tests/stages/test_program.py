"""The door of a pod program: which exit code, and what is printed."""

import pytest

from klearctl.errors import BackendError, ConfigError, RunFailed
from klearctl.stages import program


def failing(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code"),
    [(RunFailed("x"), 1), (ConfigError("x"), 2), (BackendError("x"), 3)],
)
def test_an_error_of_ours_is_its_exit_code(error, code):
    assert program.run(failing(error)) == code


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (85, 85)])
def test_work_that_ends_well_has_its_own_code(result, code):
    assert program.run(lambda: result) == code


def test_an_error_is_what_and_what_to_try(capsys):
    program.run(failing(ConfigError("seed is x", fix="a whole number")))
    assert capsys.readouterr().err == "error: seed is x\n  try: a whole number\n"


def test_any_other_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        program.run(failing(ZeroDivisionError()))
