from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.mixture import verdicts


def test_verdicts_are_the_same_on_a_busy_machine(sandbox: Sandbox):
    found = list(verdicts(sandbox, 120, seed=1, threads=4))
    assert [verdict for verdict, _ in found] == [must for _, must in found]
