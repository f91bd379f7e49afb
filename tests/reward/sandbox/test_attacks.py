import pytest

from tests.reward.sandbox.attacks import Attack
from tests.reward.sandbox.attacks_answer import JUDGEMENT
from tests.reward.sandbox.attacks_files import FILES
from tests.reward.sandbox.attacks_kernel import KERNEL
from tests.reward.sandbox.attacks_limits import LIMITS
from tests.reward.sandbox.attacks_others import OUTSIDE
from tests.reward.sandbox.world import World

ATTACKS = [*LIMITS, *FILES, *OUTSIDE, *KERNEL, *JUDGEMENT]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_comes_to_its_verdict_touches_nothing_and_harms_no_next_program(attack: Attack, world: World):
    assert (world.attack(attack), world.touched(), world.goes_on()) == (attack.verdict, [], True)
