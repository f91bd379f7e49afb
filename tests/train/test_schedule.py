import pytest

from klearctl.config.common import OptimizerConfig
from klearctl.train.schedule import learning_rate


@pytest.mark.parametrize(
    ("decay", "min_ratio", "step", "rate"),
    [
        ("constant", 0.0, 1, 0.1),  # warm-up: 1 of 10 steps
        ("constant", 0.0, 10, 1.0),  # its end
        ("constant", 0.0, 110, 1.0),
        ("linear", 0.0, 60, 0.5),  # half of the 100 steps after it
        ("linear", 0.0, 110, 0.0),
        ("cosine", 0.0, 60, 0.5),
        ("cosine", 0.5, 110, 0.5),  # the paper's sft: 8e-5 to 4e-5
        ("cosine", 0.5, 60, 0.75),
        ("linear", 0.0, 200, 0.0),  # past the end
    ],
)
def test_the_rate_follows_from_the_step_alone(decay, min_ratio, step, rate):
    settings = OptimizerConfig(lr=1.0, warmup_steps=10, decay=decay, min_lr_ratio=min_ratio)
    assert learning_rate(settings, step, 110) == pytest.approx(rate)


def test_without_warm_up_the_first_step_has_the_full_rate():
    settings = OptimizerConfig(lr=1.0, warmup_steps=0, decay="constant")
    assert learning_rate(settings, 1, 10) == 1.0
