"""The curate stage against a real S3 server: what it writes, that it is exact, and when it fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from klearctl import records, storage
from klearctl.config.curate import CurateConfig, HeldoutConfig, SourceConfig, TeacherConfig
from klearctl.config.load import from_dict, read_toml, to_dict
from klearctl.data import functions
from klearctl.data.dedup import normalise
from klearctl.data.table import read_problems, read_solved
from klearctl.reward.response import last_boxed, last_code
from klearctl.stages import curate

SMOKE = Path(__file__).parents[2] / "workflows" / "smoke" / "curate.toml"
SUMS = CurateConfig(
    sources=(
        SourceConfig(
            address="reasoning_gym:chain_sum", problems=300, settings={"min_terms": 3, "max_terms": 4, "max_digits": 1}
        ),
    ),
    heldout=HeldoutConfig(problems=40),
    teacher=TeacherConfig(kind="procedural", wrong=0.3),
)


def run(bucket, name, config, tmp_path):
    """The exit code of the program, started as a pod starts it."""
    path = tmp_path / f"{name}.json"
    pod = {"run": name, "stage": "curate", "bucket": bucket, "config": to_dict(config), "layout": {}}
    path.write_text(json.dumps(pod))
    return curate.main(["--config", str(path)])


def sets(bucket, name):
    data = records.read_result(f"{bucket}/runs/{name}")["data"]
    return read_solved(data["sft"]), read_problems(data["rl"]), read_problems(data["heldout"])


def objects(bucket, name):
    data = f"{bucket}/runs/{name}/data"
    return {found: storage.read_bytes(storage.join(data, found)) for found in storage.names(data)}


def rows_file(directory, rows):
    path = directory / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return SourceConfig(address=str(path), solution_field="solution")


def row(number, **more):
    return {"problem": f"What is {number} + 1?", "answer": str(number + 1), "solution": f"{number} + 1", **more}


@pytest.fixture
def summed(bucket, tmp_path):
    """The bucket after a run of sums."""
    assert run(bucket, "sums", SUMS, tmp_path) == 0
    return bucket


def test_no_prompt_is_in_two_sets(summed):
    prompts = [normalise(one.prompt) for rows in sets(summed, "sums") for one in rows]
    assert len(prompts) == len(set(prompts))


def test_each_problem_is_counted_once(summed):
    kept = sum(map(len, sets(summed, "sums")))
    dropped = sum(one["dropped"] for one in storage.read_json(f"{summed}/runs/sums/data/drops.json"))
    assert kept + dropped == 300


def test_the_held_out_set_has_its_size_and_the_rest_is_divided(summed):
    sft, rl, heldout = sets(summed, "sums")
    assert len(heldout) == 40 and abs(len(sft) - len(rl)) <= 1


def test_every_step_leaves_a_row_of_metrics(summed):
    rows = records.MetricsReader(f"{summed}/runs/sums").rows()
    assert [(one["stage"], one["step"], one["steps"]) for one in rows] == [("curate", n, 6) for n in range(1, 7)]


def test_started_again_it_writes_the_same_bytes(summed, tmp_path):
    first = objects(summed, "sums")
    assert run(summed, "sums", SUMS, tmp_path) == 0
    assert objects(summed, "sums") == first


def test_another_seed_gives_other_problems(summed, tmp_path):
    run(summed, "other", replace(SUMS, seed=1), tmp_path)
    assert {one.id for one in sets(summed, "other")[2]} != {one.id for one in sets(summed, "sums")[2]}


def test_another_run_s_data_are_a_source(summed, tmp_path):
    source = SourceConfig(address="run:sums", prompt_field="prompt")
    config = replace(SUMS, sources=(source,), heldout=HeldoutConfig(problems=40, sources=(source,)))
    assert run(summed, "again", config, tmp_path) == 0
    assert {one.prompt for one in sets(summed, "again")[2]} == {one.prompt for one in sets(summed, "sums")[2]}


def test_the_drop_table_is_printed(bucket, tmp_path, capsys):
    rows = [row(1), row(2), row(3), row(4), row(4), row(5, answer="\\frac{5"), row(6, solution="")]
    config = CurateConfig(sources=(rows_file(tmp_path, rows),), heldout=HeldoutConfig(problems=1), sft_share=1.0)
    run(bucket, "rows", config, tmp_path)
    dropped = [line.split()[-2:] for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert dropped == [["7", "0"], ["7", "1"], ["6", "1"], ["4", "0"], ["4", "1"]]


def test_what_is_held_out_elsewhere_is_not_trained_on(bucket, tmp_path):
    (tmp_path / "own").mkdir()
    own = rows_file(tmp_path / "own", [row(1), row(2)])
    config = CurateConfig(
        sources=(rows_file(tmp_path, [row(n) for n in range(6)]),), heldout=HeldoutConfig(sources=(own,)), sft_share=0.0
    )
    run(bucket, "own", config, tmp_path)
    assert sorted(one.answer for one in sets(bucket, "own")[1]) == ["1", "4", "5", "6"]


def test_all_of_a_benchmark_is_kept_from_training_where_a_part_of_it_is_held_out(bucket, tmp_path):
    (tmp_path / "own").mkdir()
    own = rows_file(tmp_path / "own", [row(1), row(2), row(3)])
    rows = rows_file(tmp_path, [row(n) for n in range(6)])
    held = HeldoutConfig(problems=1, sources=(own,))
    run(bucket, "part", CurateConfig(sources=(rows,), heldout=held, sft_share=0.0), tmp_path)
    _, rl, heldout = sets(bucket, "part")
    assert (len(heldout), sorted(one.answer for one in rl)) == (1, ["1", "5", "6"])


def test_a_benchmark_that_cannot_be_read_fails_the_run_however_much_else_there_is(bucket, tmp_path, capsys):
    (tmp_path / "own").mkdir()
    own = rows_file(tmp_path / "own", [row(n, answer="") for n in range(5)])
    rows = rows_file(tmp_path, [row(n) for n in range(50)])
    config = CurateConfig(sources=(rows,), heldout=HeldoutConfig(sources=(own,)))
    assert run(bucket, "unread", config, tmp_path) == 1
    assert "'lacks a field' removed 5 of 5 problems" in capsys.readouterr().err


def test_where_all_is_held_out_the_table_says_so(bucket, tmp_path, capsys):
    rows = rows_file(tmp_path, [row(n) for n in range(5)])
    config = CurateConfig(sources=(rows,), heldout=HeldoutConfig(sources=(rows,)))
    assert run(bucket, "all", config, tmp_path) == 1
    assert "'in the held-out set' removed 5 of 5 problems" in capsys.readouterr().err


def test_programming_problems_of_another_run_keep_their_tests_and_task(bucket, tmp_path):
    small = SourceConfig(address="klear:functions", problems=60)
    config = CurateConfig(sources=(small,), heldout=HeldoutConfig(problems=10), sft_share=0.0)
    run(bucket, "code", config, tmp_path)
    again = SourceConfig(address="run:code", prompt_field="prompt")
    run(bucket, "code-again", replace(config, sources=(again,), heldout=HeldoutConfig(problems=5)), tmp_path)
    before = {one.prompt: one for one in sets(bucket, "code")[1]}
    after = sets(bucket, "code-again")[1]
    assert after and all((one.tests, one.task) == (before[one.prompt].tests, "functions") for one in after)


def test_a_rule_that_removes_more_than_half_fails_the_run_with_the_table(bucket, tmp_path, capsys):
    config = CurateConfig(sources=(rows_file(tmp_path, [row(1)] * 5),))
    code = run(bucket, "twice", config, tmp_path)
    last = capsys.readouterr().err.splitlines()[-2:]
    assert (code, last[0].split()[-2:], last[1]) == (1, ["5", "4"], "  try: mend the source, or raise max_drop")


@pytest.mark.parametrize(
    ("sources", "code", "words"),
    [
        ((SourceConfig(address="nowhere/problems.jsonl"),), 3, "nowhere/problems.jsonl"),  # not there
        ((SourceConfig(address="run:nobody"),), 3, "nobody"),  # no such run
        ((SourceConfig(address=str(SMOKE)),), 2, "curate.toml is of no known kind"),
    ],
)
def test_a_bad_source_is_one_line_what_and_one_line_what_to_try(sources, code, words, bucket, tmp_path, capsys):
    config = replace(SUMS, sources=sources)
    assert run(bucket, "bad", config, tmp_path) == code
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith("error: ") and words in error[0] and error[-1].startswith("  try: ")


def test_a_run_that_failed_has_no_result(bucket, tmp_path):
    run(bucket, "bad", replace(SUMS, heldout=HeldoutConfig(problems=1000)), tmp_path)
    assert "result.json" not in storage.names(f"{bucket}/runs/bad")


def test_the_smoke_recipe_is_right_about_seven_times_in_ten(bucket, tmp_path):
    config = from_dict(CurateConfig, read_toml(SMOKE))
    assert run(bucket, "smoke", config, tmp_path) == 0
    sft, rl, heldout = sets(bucket, "smoke")
    right = {
        "chain_sum": [
            last_boxed(one.response) == str(worked_out(one.prompt)) for one in sft if one.task == "chain_sum"
        ],
        "functions": [last_code(one.response) == written(one.prompt) for one in sft if one.task == "functions"],
    }
    assert {task: sum(found) / len(found) for task, found in right.items()} == pytest.approx(
        {"chain_sum": 0.7, "functions": 0.7}, abs=0.05
    )
    assert len(heldout) == 256 and len(rl) > 1000


def written(prompt):
    """The code that a prompt asks for."""
    return functions.source_code(functions.operations_of(prompt))


def worked_out(prompt):
    """The sum by another way than the teacher's: it has no signs of its own, so words alternate."""
    words = prompt.partition(": ")[2].removesuffix(" =").split()
    return int(words[0]) + sum(int(sign + digits) for sign, digits in zip(words[1::2], words[2::2], strict=True))
