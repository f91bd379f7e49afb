"""What `klearctl logs` makes of the lines that a container printed."""

import os
import subprocess

from klearctl.local.backend import LocalBackend
from tests.cli.test_words import KLEARCTL
from tests.local.manifests import container, job
from tests.local.waiting import ended


def test_of_a_line_that_was_written_over_the_last_is_shown(tmp_path):
    backend = LocalBackend(tmp_path)
    backend.apply([job(container(r"printf 'loading 0%%\rloading 100%%\nend\n'"))])
    ended(backend, "Job")
    shown = subprocess.check_output([KLEARCTL, "logs", "t"], text=True, env=os.environ | {"KLEAR_HOME": str(tmp_path)})
    assert shown == "t-0/main#0 loading 100%\nt-0/main#0 end\n"
