"""What can go wrong, as a person reads it: what happened, with the value; then what to try."""


class KlearError(Exception):
    """An error that a user can act on. `cli/main.py` alone prints it; the class decides the exit code."""

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix


class RunFailed(KlearError):
    """The run itself failed: a stage ended badly, a limit was crossed, the data was refused."""

    exit_code = 1


class ConfigError(KlearError):
    """The words or the config are wrong; trying again changes nothing."""

    exit_code = 2


class BackendError(KlearError):
    """The cluster, this machine or the bucket is missing, cannot be reached or refuses."""

    exit_code = 3


class WaitTimeout(KlearError):
    """`--wait` ran out of time; the run goes on."""

    exit_code = 4
