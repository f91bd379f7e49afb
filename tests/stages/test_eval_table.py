"""The table of an eval run, by hand: two models, three problems, two samples at 1.0 and one greedy."""

import pytest

from klearctl.config.eval import EvalConfig
from klearctl.stages.eval_table import Judged, key, table

CONFIG = EvalConfig(temperatures=(1.0, 0.0), samples=2, pass_at=(1, 2))


def judged(place, task, *, warm, greedy, cut=0):
    return Judged(place, task, {"1.0": warm, "0.0": [greedy]}, cut, text="")


JUDGEMENTS = {
    "second": [
        judged(0, "sums", warm=[1.0, 1.0], greedy=1.0),
        judged(1, "sums", warm=[1.0, 0.0], greedy=1.0, cut=1),
        judged(2, "products", warm=[0.0, 0.0], greedy=1.0, cut=2),
    ],
    "first": [
        judged(0, "sums", warm=[0.0, 0.0], greedy=0.0),
        judged(1, "sums", warm=[0.0, 0.0], greedy=0.0),
        judged(2, "products", warm=[0.0, 1.0], greedy=0.0),
    ],
}


@pytest.fixture(scope="module")
def made():
    return table(JUDGEMENTS, CONFIG)


def test_the_accuracies_are_those_of_the_first_temperature(made):
    assert made["models"]["second"] == {
        "accuracy": pytest.approx(0.5),  # (1 + 1/2 + 0) / 3
        "stderr": pytest.approx(0.5 / 3**0.5),  # the means 1, 1/2 and 0 have variance 1/4
        "samples": 2,
        "by_temperature": {"1.0": pytest.approx(0.5), "0.0": 1.0},
        "pass_at": {"1": pytest.approx(0.5), "2": pytest.approx(2 / 3)},  # two of three problems passed at all
        "by_task": {"products": 0.0, "sums": pytest.approx(0.75)},
        "truncated": pytest.approx(3 / 9),  # of two warm samples and a greedy one of each problem
    }


def test_a_model_is_judged_by_its_own_answers(made):
    assert made["models"]["first"]["accuracy"] == pytest.approx(1 / 6)


def test_the_models_keep_their_order(made):
    assert list(made["models"]) == ["second", "first"]


def test_the_problems_are_counted_once(made):
    assert made["problems"] == 3


def test_where_the_first_temperature_is_greedy_there_is_one_sample_and_no_pass_at_2():
    found = table(JUDGEMENTS, EvalConfig(temperatures=(0.0, 1.0), samples=2, pass_at=(1, 2)))["models"]["second"]
    assert (found["accuracy"], found["samples"], found["pass_at"]) == (1.0, 1, {"1": 1.0})


@pytest.mark.parametrize(("temperature", "name"), [(1.0, "1.0"), (0, "0.0"), (0.6, "0.6")])
def test_a_temperature_has_one_name(temperature, name):
    assert key(temperature) == name
