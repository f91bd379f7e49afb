"""Bytes at addresses: the same promises in a bucket and on disk."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from klearctl import storage
from klearctl.errors import BackendError
from tests.fixtures.s3 import S3


@pytest.fixture(params=["s3", "disk"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty address in a bucket, and one on disk."""
    return request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path / "place")


def test_what_was_written_is_read(place: str) -> None:
    storage.write_bytes(f"{place}/a/b", b"old")
    storage.write_bytes(f"{place}/a/b", b"new")
    assert storage.read_bytes(f"{place}/a/b") == b"new"


def test_json_comes_back_as_it_went(place: str) -> None:
    storage.write_json(f"{place}/x.json", {"grüße": [1, 2.5, None]})
    assert storage.read_json(f"{place}/x.json") == {"grüße": [1, 2.5, None]}


def test_names_are_relative_sorted_recursive_and_of_this_prefix_only(place: str) -> None:
    for name in ("step-1/b", "step-1/a/c", "step-10/x", "step-1.txt"):
        storage.write_bytes(f"{place}/{name}", b"")
    assert storage.names(f"{place}/step-1") == ["a/c", "b"]


def test_a_listing_is_never_stale(place: str) -> None:
    storage.write_bytes(f"{place}/a", b"")
    before = storage.names(place)
    subprocess.run(  # another process, as no cache of ours sees what it does
        [
            sys.executable,
            "-c",
            "import sys; from klearctl import storage; storage.write_bytes(sys.argv[1], b'')",
            f"{place}/b",
        ],
        check=True,
    )
    assert (before, storage.names(place)) == (["a"], ["a", "b"])


def test_a_listing_shows_more_than_one_page_of_objects(bucket: str) -> None:
    wanted = [f"{number:04d}" for number in range(1005)]  # S3 answers 1000 at a time
    storage.together(lambda name: storage.write_bytes(f"{bucket}/{name}", b""), wanted)
    assert storage.names(bucket) == wanted


def test_nothing_is_listed_where_nothing_is(place: str) -> None:
    assert storage.names(place) == []


@pytest.mark.parametrize("act", [storage.read_bytes, storage.read_json, storage.digest], ids=lambda act: act.__name__)
def test_what_is_missing_is_named(place: str, act: Callable[[str], Any]) -> None:
    with pytest.raises(storage.NotFound, match=f"{place}/gone does not exist"):
        act(f"{place}/gone")


def test_of_twenty_writers_at_once_one_creates_the_object(place: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(lambda number: storage.write_new(f"{place}/one", b"%d" % number), range(20)))
    assert (won.count(True), storage.read_bytes(f"{place}/one")) == (1, b"%d" % won.index(True))


def test_a_folder_comes_back_as_it_went(place: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "deep" / "er").mkdir(parents=True)
    (here / "deep" / "er" / "small").write_bytes(b"x")
    (here / "empty").write_bytes(b"")
    (here / "large").write_bytes(os.urandom(101 * 2**20))  # above 100 MiB it goes in parts
    storage.upload(here, f"{place}/folder")
    storage.download(f"{place}/folder", there)
    assert subprocess.run(["diff", "-r", here, there], capture_output=True).stdout == b""


def test_delete_removes_all_below_and_nothing_beside(place: str) -> None:
    for name in ("a/1", "a/b/2", "ab"):
        storage.write_bytes(f"{place}/{name}", b"")
    storage.delete(f"{place}/a")
    storage.delete(f"{place}/never-was")
    assert storage.names(place) == ["ab"]


def test_a_path_is_used_as_it_is_and_an_object_is_copied(bucket: str, tmp_path: Path) -> None:
    storage.write_bytes(f"{bucket}/file", b"one")
    storage.write_bytes(f"{bucket}/folder/two", b"two")
    found = [storage.local_path(address, tmp_path) for address in ("/a/b", f"{bucket}/file", f"{bucket}/folder")]
    assert (found[0], found[1].read_bytes(), (found[2] / "two").read_bytes()) == (Path("/a/b"), b"one", b"two")


def test_a_killed_local_writer_leaves_no_half_file(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from klearctl import storage\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "storage.write_bytes(sys.argv[1], b'whole')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")])
    assert (storage.names(str(tmp_path)), storage.exists(str(tmp_path / "file"))) == ([], False)


BROKEN = [
    ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "s3://klear", "refuses", "AWS_SECRET_ACCESS_KEY"),
    ({"AWS_ACCESS_KEY_ID": "wrong-id"}, "s3://klear", "refuses", "AWS_ACCESS_KEY_ID"),
    ({}, "s3://no-such-bucket", "there is no bucket s3://no-such-bucket", "create it"),
    ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://klear", "cannot be reached", "is http://127.0.0.1:9 up"),
]


@pytest.mark.parametrize(("env", "address", "what", "fix"), BROKEN, ids=["secret", "id", "bucket", "endpoint"])
def test_a_bucket_that_does_not_answer_is_one_line_and_a_fix(
    s3: S3, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], address: str, what: str, fix: str
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BackendError) as caught:
        storage.check_bucket(address)
    text = f"{caught.value} {caught.value.fix}"
    assert (what in text, fix in text, address in text, "\n" in text, caught.value.exit_code) == (
        True,
        True,
        True,
        False,
        3,
    )


@pytest.mark.parametrize("act", [storage.read_bytes, storage.names, lambda address: storage.write_bytes(address, b"")])
def test_no_error_tells_a_key(s3: S3, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], Any]) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(BackendError) as caught:
        act("s3://klear/x")
    assert not [
        key for key in (*s3.env.values(), "wrong") if key != s3.env["AWS_ENDPOINT_URL"] and key in str(caught.value)
    ]


def test_the_bucket_of_the_session_answers(s3: S3) -> None:
    storage.check_bucket(s3.bucket)


def test_importing_storage_loads_no_s3_library() -> None:
    code = "import sys, klearctl.checkpoints; print({'fsspec', 's3fs', 'botocore', 'aiohttp'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
