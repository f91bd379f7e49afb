"""The embedded S3 server: there while somebody uses it, private, gone afterwards, and its data never."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from klearctl import storage
from klearctl.errors import BackendError
from klearctl.local.s3 import server as s3

LIMIT_S = 120.0  # of a machine that does much else
IMPORTS = "import sys; from pathlib import Path; from klearctl.local.s3.server import use\n"
USER = f"{IMPORTS}with use(Path(sys.argv[1])) as env:\n    "
HOLD = USER + "print(env['AWS_ENDPOINT_URL'], flush=True); sys.stdin.read()"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home for one test; its server does not outlive it."""
    yield tmp_path / "home"
    _kill_all(tmp_path / "home")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str], int]]:
    """The home, the environment and the process of a server that only looks are taken at."""
    home = tmp_path_factory.mktemp("running")
    with s3.use(home) as env:
        (server,) = _servers(home)
        yield home, env, server


def test_five_processes_at_once_share_one_server(home: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(_user(home)) for _ in range(5)]
        urls = {user.stdout.readline() for user in users if user.stdout}
        assert (len(urls), len(_servers(home))) == (1, 1)


def test_the_server_is_gone_after_its_last_user(home: Path) -> None:
    with _user(home) as first, _user(home) as second:
        _wait_started(first, second)
        first.communicate("")
        (server,) = _servers(home)
        second.communicate("")
        assert _ends(server)


def test_the_server_is_gone_after_its_user_was_killed(home: Path) -> None:
    with _user(home) as user:
        _wait_started(user)
        (server,) = _servers(home)
        user.kill()
        assert _ends(server)


def test_a_starter_killed_half_way_leaves_the_start_to_its_keeper(home: Path) -> None:
    with _user(home) as starter:
        _soon(lambda: bool(_processes(home)))
        starter.kill()
        with s3.use(home):
            assert len(_servers(home)) == 1


def test_a_user_that_comes_while_the_server_ends_gets_one_that_lives(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.use(home):
        (server,) = _servers(home)
    _ends(server)
    with s3.use(home) as env:
        _into(monkeypatch, env)
        storage.check_bucket("s3://klear")
        assert _servers(home) != [server]


def test_data_survives_the_end_of_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _kept(home, monkeypatch, lambda: None) == b"kept"


def test_data_survives_the_kill_of_everything_and_other_ports(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill() -> None:
        _kill_all(home)
        (home / "s3" / "ports.json").unlink()

    assert _kept(home, monkeypatch, kill) == b"kept"


def test_a_server_does_not_outlive_its_keeper(home: Path) -> None:
    with s3.use(home):
        (server,) = _servers(home)
        (keeper,) = set(_processes(home)) - {server}
        os.kill(keeper, signal.SIGKILL)
        assert _ends(server)


def test_a_server_that_dies_while_it_is_used_comes_again_where_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.use(home) as keys:
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        storage.write_bytes("s3://klear/before", b"kept")
        (server,) = _servers(home)
        os.kill(server, signal.SIGKILL)
        _ends(server)
        assert storage.read_bytes("s3://klear/before") == b"kept"  # asked until it answers
        assert server not in _servers(home)


def test_the_next_user_starts_a_new_server_where_keeper_and_server_died(home: Path) -> None:
    with s3.use(home):
        (server,) = _servers(home)
        (keeper,) = set(_processes(home)) - {server}
        os.kill(keeper, signal.SIGKILL)
        _ends(server)
        with s3.use(home):
            assert len(_servers(home)) == 1


def test_keys_and_endpoint_are_the_same_the_next_time(home: Path) -> None:
    with s3.use(home) as first:
        pass
    _kill_all(home)
    with s3.use(home) as second:
        assert second == first


def test_a_taken_port_is_replaced(home: Path) -> None:
    with s3.use(home) as first:
        pass
    _kill_all(home)
    port = int(first["AWS_ENDPOINT_URL"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), s3.use(home) as second:
        assert second["AWS_ENDPOINT_URL"] != first["AWS_ENDPOINT_URL"]


def test_only_its_owner_reads_what_it_keeps(running: tuple[Path, dict[str, str], int]) -> None:
    folder = running[0] / "s3"
    found = [folder, *(path for path in folder.iterdir() if path.is_file())]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in found} == {0}


def test_it_listens_on_127_0_0_1_alone(running: tuple[Path, dict[str, str], int]) -> None:
    assert {host for host, _ in _listeners(running[2])} == {"127.0.0.1"}


def test_no_key_is_on_its_command_line_or_in_its_log(running: tuple[Path, dict[str, str], int]) -> None:
    home, env, server = running
    said = Path(f"/proc/{server}/cmdline").read_text() + (home / "s3" / "weed.log").read_text()
    assert not [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if env[name] in said]


def test_it_leaves_no_socket_in_tmp(home: Path) -> None:
    with s3.use(home):
        (server,) = _servers(home)
        ports = [port for _, port in _listeners(server)]
    _soon(lambda: not _processes(home))
    assert [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")] == []


def test_a_server_that_cannot_start_says_why_and_what_to_try(home: Path) -> None:
    (home / "s3" / "data").mkdir(parents=True)
    (home / "s3" / "data" / "filerldb2").write_text("in the way")
    with pytest.raises(BackendError) as caught, s3.use(home):
        pass
    assert ("filerldb2" in str(caught.value), f"{home}/s3/weed.log" in caught.value.fix) == (True, True)


def test_a_home_that_cannot_be_written_is_named() -> None:
    with pytest.raises(BackendError, match="/proc/home/s3, cannot be used"), s3.use(Path("/proc/home")):
        pass


def test_a_full_disk_is_named(home: Path) -> None:
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", home], capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        with pytest.raises(BackendError, match=r"has \d+ MiB left and the server needs 512 MiB"), s3.use(home):
            pass
    finally:
        subprocess.run(["umount", "--lazy", home], check=True)


def _kept(home: Path, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None]) -> bytes:
    """What is read back after the server ended; several objects are written before and after, as numbers restart."""
    with s3.use(home) as env:
        _into(monkeypatch, env)
        for number in range(20):
            storage.write_bytes(f"s3://klear/before/{number}", b"kept")
        between()
    _soon(lambda: not _processes(home))
    with s3.use(home) as env:
        _into(monkeypatch, env)
        for number in range(20):
            storage.write_bytes(f"s3://klear/after/{number}", b"new")
        (found,) = {storage.read_bytes(f"s3://klear/before/{name}") for name in storage.names("s3://klear/before")}
        return found


def _into(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)


@contextmanager
def _user(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        yield user


def _wait_started(*users: subprocess.Popen[str]) -> None:
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline().startswith("http://127.0.0.1:")


def _processes(home: Path) -> list[int]:
    """The server of this home and its keeper."""
    return [pid for pid, words in _commands() if str(home / "s3") in words or f"-dir={home}/s3/data" in words]


def _kill_all(home: Path) -> None:
    """End the keeper and the server. Their words leave /proc before their locks go: only a pidfd tells the end."""
    with ExitStack() as stack:
        ends = [stack.enter_context(os.fdopen(os.pidfd_open(pid))) for pid in _processes(home)]
        for end in ends:
            signal.pidfd_send_signal(end.fileno(), signal.SIGKILL)
        for end in ends:
            select.select([end], [], [], LIMIT_S)


def _servers(home: Path) -> list[int]:
    return [pid for pid, words in _commands() if f"-dir={home}/s3/data" in words]


def _commands() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "cmdline").read_text().split("\0")
            except (OSError, ValueError):  # it ended meanwhile, or its words are no text
                continue


def _listeners(pid: int) -> list[tuple[str, int]]:
    """The addresses on which a process accepts TCP."""
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            own.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    found = []
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in own:  # 0A: listening
                address, port = fields[1].split(":")
                raw = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
                found.append((socket.inet_ntop(family, raw), int(port, 16)))
    return found


def _ends(pid: int) -> bool:
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(file) as ended:
        return bool(select.select([ended], [], [], LIMIT_S)[0])


def _soon(condition: Callable[[], bool]) -> bool:
    never, deadline = threading.Event(), time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        never.wait(0.05)
    return True
