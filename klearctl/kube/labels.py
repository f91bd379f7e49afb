"""Labels: how everything that belongs to a run is found."""

from klearctl import __version__
from klearctl.run import Run

RUN = "klear.dev/run"
STAGE = "klear.dev/stage"
ROLE = "klear.dev/role"
RECIPE = "klear.dev/recipe"
VERSION = "app.kubernetes.io/version"


def labels(run: Run, role: str = "") -> dict[str, str]:
    """The labels of an object of the run; with a role, of a pod."""
    found = {
        "app.kubernetes.io/name": "klearctl",
        "app.kubernetes.io/instance": run.name,
        "app.kubernetes.io/managed-by": "klearctl",
        VERSION: __version__,
        RUN: run.name,
        STAGE: run.stage,
    }
    if run.recipe:
        found[RECIPE] = run.recipe
    return found | ({"app.kubernetes.io/component": role, ROLE: role} if role else {})
