"""Log files as lines: whose they are, in which order, and what a file that grows shows."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.local.node.logs import LogLine, follow, last_words, read


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_lines_come_by_attempt_role_and_rank(tmp_path: Path) -> None:
    write(tmp_path, "10/trainer-0.main.log", "last\n")  # ten comes after two
    write(tmp_path, "2/trainer-0.main.log", "second\n")
    write(tmp_path, "2/rollout-server-11.server-0.log", "first, without an end")
    found = [(line.attempt, line.role, line.rank, line.container, line.text) for line in read_all(tmp_path)]
    assert found == [
        (2, "rollout-server", 11, "server-0", "first, without an end"),
        (2, "trainer", 0, "main", "second"),
        (10, "trainer", 0, "main", "last"),
    ]


@pytest.mark.parametrize(
    ("role", "rank", "texts"),
    [
        (None, None, ["a", "b", "c"]),
        ("trainer", None, ["b", "c"]),
        ("trainer", 1, ["c"]),
        (None, 0, ["a", "b"]),
        ("none", None, []),
    ],
)
def test_a_role_and_a_rank_choose(tmp_path: Path, role: str | None, rank: int | None, texts: list[str]) -> None:
    for name, text in (("rollout-0", "a"), ("trainer-0", "b"), ("trainer-1", "c")):
        write(tmp_path, f"0/{name}.main.log", f"{text}\n")
    assert [line.text for line in read(tmp_path, role=role, rank=rank)] == texts


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(alphabet="ab\n", min_size=1), max_size=8))
def test_however_a_file_grows_each_line_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    write(folder, "0/trainer-0.main.log", "")
    write(folder, "signs/one", "")
    left = list(parts)

    def grow() -> bool:
        if left:
            with (folder / "0/trainer-0.main.log").open("a") as file:
                file.write(left.pop(0))
            write(folder, "signs/one", "it grew")
        return not left

    told = [line.text for line in follow(folder, role=None, rank=None, signs=[folder / "signs"], is_over=grow)]
    assert told == "".join(parts).removesuffix("\n").split("\n") if "".join(parts) else told == []


def test_the_last_words_start_where_the_container_did(tmp_path: Path) -> None:
    write(tmp_path, "log", "of before\n" + "".join(f"line {number}\n" for number in range(100)))
    words = last_words(tmp_path / "log", len("of before\n")).splitlines()
    assert (words[0], words[-1], len(words)) == ("line 20", "line 99", 80)


def read_all(folder: Path) -> list[LogLine]:
    return list(read(folder, role=None, rank=None))
