"""Dice choose acts, and each becomes lines."""

from random import Random

from tests.lab.cluster.whole.chaos import Chaos
from tests.lab.cluster.whole.stage import Stage


def test_every_act_can_be_told(stage: Stage) -> None:
    chaos = Chaos(stage, Random(3))
    for act in vars(Chaos).values():
        if callable(act) and act.__name__[0] != "_" and act.__name__ != "act":
            act(chaos)
    words = {line.split()[0] for line in stage.acts}
    assert {"pass", "tick", "jump", "rate", "faults", "write", "read"} <= words
    assert {"status", "hang_up", "join", "trust", "remove", "forget", "disk"} <= words


def test_the_same_dice_do_the_same(stage: Stage) -> None:
    before = len(stage.acts)
    chaos = Chaos(stage, Random(4))
    for _ in range(5):
        chaos.act()
    assert len(stage.acts) >= before + 3
