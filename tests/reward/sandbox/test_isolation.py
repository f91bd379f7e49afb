"""Which isolation is chosen, and what becomes of a machine that offers none."""

import subprocess
import sys
from pathlib import Path

import pytest

from klearctl.errors import ConfigError
from klearctl.reward.sandbox.isolation import choose
from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.attacks import Attack
from tests.reward.sandbox.attacks_files import FILES
from tests.reward.sandbox.attacks_others import OUTSIDE
from tests.reward.sandbox.conftest import needs_bubblewrap
from tests.reward.sandbox.world import around

# A process in which Landlock is not there: the filter that a container's runtime would have installed.
_WITHOUT_LANDLOCK = """
import ctypes, struct
from klearctl.reward.sandbox.inside import kernel
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7FFF0000)]  # ENOSYS
packed = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *each) for each in code))
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
described = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(packed)))
kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.addressof(described))

from klearctl.errors import ConfigError
from klearctl.reward.sandbox.pool import Sandbox
try:
    with Sandbox(lanes=1, libraries=(), unsafe={unsafe}) as sandbox:
        print(sandbox.isolation)
except ConfigError as error:
    print(error, error.fix)
"""


def said(*, unsafe: bool, path: str) -> str:
    """What a user reads on a machine without Landlock, where programs are looked for in the path."""
    command = [sys.executable, "-c", _WITHOUT_LANDLOCK.format(unsafe=unsafe)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": path}).stdout


def test_bubblewrap_is_chosen_where_it_works():
    needs_bubblewrap()
    with Sandbox(lanes=1, libraries=()) as sandbox:
        assert sandbox.isolation.startswith("bubblewrap ")


def test_landlock_is_chosen_where_there_is_no_bubblewrap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with Sandbox(lanes=1, libraries=()) as sandbox:
        assert sandbox.isolation.startswith("Landlock ABI ")


def test_the_version_of_landlock_can_be_forced_and_is_said():
    with Sandbox(lanes=1, libraries=(), isolation="landlock", landlock_abi=1) as sandbox:
        assert sandbox.isolation.startswith("Landlock ABI 1;")


def test_a_machine_that_offers_neither_runs_nothing():
    words = said(unsafe=False, path="/nowhere")
    assert words.startswith("this machine offers no isolation") and "bwrap" in words and "landlock: " in words


def test_a_machine_that_offers_neither_runs_programs_only_when_it_is_told_to():
    assert said(unsafe=True, path="/nowhere") == "none, as --unsafe says\n"


def test_an_isolation_that_is_forced_and_missing_is_not_replaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="bubblewrap: "):
        choose("bubblewrap", (), unsafe=False)


def test_the_newest_version_of_landlock_holds_against_reaching_out_as_the_first_does():
    with Sandbox(lanes=1, libraries=(), isolation="landlock") as sandbox, around(sandbox) as world:
        found = {attack.name: world.attack(attack) for attack in [*FILES, *OUTSIDE]}
        touched = world.touched()
    assert (found, touched) == ({attack.name: attack.verdict for attack in [*FILES, *OUTSIDE]}, [])


# They harm nothing but what the test makes for them.
BITING = [
    *("a file that every user may read", "the same by a symlink", "the account file of the machine", "a file outside"),
    *("the folder of the tests", "its own memory as a file", "the environment", "devices"),
    *("IPv4", "IPv6", "UDP", "a unix socket", "an abstract unix socket"),
    *("a pair of datagram sockets that names another peer", "a signal by way of a pipe's owner"),
    *("its own limits raised", "to start another program", "to start a shell"),
]


@pytest.mark.parametrize(
    "attack", [each for each in [*FILES, *OUTSIDE] if each.name in BITING], ids=lambda each: each.name
)
def test_where_nothing_confines_it_an_attack_does_what_it_names(attack: Attack, sandbox: Sandbox, tmp_path: Path):
    with around(sandbox) as world:
        command = [sys.executable, "-c", attack.source(world.facts).decode()]
        ended = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0 and b"blocked" not in ended.stdout, ended.stderr.decode()
