import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from klearctl.reward.sandbox.inside import scratch


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "scratch"
    made.mkdir()
    yield made
    if made.exists():
        scratch.remove(str(made))  # pytest itself cannot remove what lies so deep


def deep(folder: Path, depth: int) -> None:
    """Folders within folders, which no path can name."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("in", dir_fd=fd)
        inner = os.open("in", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


def test_an_empty_folder_is_removed(folder: Path):
    scratch.remove(str(folder))
    assert not os.listdir(folder.parent)


def test_folders_deeper_than_any_path_are_removed(folder: Path):
    deep(folder, 1500)
    scratch.remove(str(folder))
    assert not os.listdir(folder.parent)


def test_what_a_link_leads_to_is_left_alone(folder: Path, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("ours")
    (folder / "in").mkdir()
    (folder / "in" / "link").symlink_to(kept)
    (folder / "0").symlink_to(kept)
    scratch.remove(str(folder))
    assert (kept / "file").read_text() == "ours" and os.listdir(tmp_path) == ["kept"]


def test_folders_without_permissions_are_removed(folder: Path):
    (folder / "in" / "in").mkdir(parents=True)
    (folder / "in" / "file").write_text("x")
    os.chmod(folder / "in" / "in", 0)
    os.chmod(folder / "in", 0)
    scratch.remove(str(folder))
    assert not os.listdir(folder.parent)


def test_the_use_counts_files_folders_and_blocks_but_nothing_behind_a_link(folder: Path):
    (folder / "in").mkdir()
    (folder / "in" / "file").write_bytes(bytes(100_000))
    (folder / "link").symlink_to("/usr")
    files, taken = scratch.use(str(folder), at_most=100)
    assert files == 3 and 100_000 <= taken < 200_000


@pytest.mark.parametrize("depth", [100, 1500])
def test_the_use_of_folders_too_deep_to_count_is_too_much(folder: Path, depth: int):
    deep(folder, depth)
    assert scratch.use(str(folder), at_most=5000)[0] > 5000
