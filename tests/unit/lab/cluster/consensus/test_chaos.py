"""Acts do what they say, and every one of them can be chosen."""

from random import Random

import pytest

from ccfpy.base.ids import NodeId
from tests.lab.cluster.consensus.chaos import ALWAYS, SOMETIMES, Act, Chaos
from tests.lab.cluster.consensus.stage import Stage

ACTS = [act for act, _ in (*ALWAYS, *SOMETIMES)]


def _chaos(seed: int = 1) -> Chaos:
    stage = Stage()
    stage.do("start_node", "0")
    stage.do("emit_signature", "2")
    stage.do("trust_nodes", "2", "1", "2")
    stage.do("loop_until_sync")
    return Chaos(stage, Random(seed))


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_an_act_may_be_done_at_any_time(act: Act) -> None:
    for seed in range(5):
        chaos = _chaos(seed)
        act(chaos)
        chaos.part_of_burst()
        for _ in range(3):
            act(chaos)
        chaos = Chaos(Stage(), Random(seed))
        chaos.stage.do("create_new_node", "0")
        act(chaos)


def test_nothing_arrives_over_a_link_that_loses() -> None:
    chaos = _chaos()
    chaos.stage.do("periodic_one", "0", "10")
    chaos.faults.lost |= {(NodeId("0"), NodeId("1")), (NodeId("0"), NodeId("2"))}
    chaos.deliver()
    assert chaos.stage.lines[-1][0] == "drop_single"


def test_nothing_arrives_over_a_link_that_is_held() -> None:
    chaos = _chaos()
    chaos.stage.do("periodic_one", "0", "10")
    chaos.faults.clogged.append(NodeId("0"))
    before = len(chaos.stage.lines)
    chaos.deliver()
    assert len(chaos.stage.lines) == before


def test_of_a_burst_one_node_gets_the_first_part() -> None:
    for seed in range(10):
        chaos = _chaos(seed)
        chaos.part_of_burst()
        backups = [chaos.stage.nodes[NodeId(name)] for name in "12"]
        leader = chaos.stage.nodes[NodeId("0")]
        assert any(len(node.ledger) < len(leader.ledger) for node in backups)


def test_rivals_stand_in_one_view() -> None:
    chaos = _chaos()
    chaos.collide()
    rivals = [chaos.stage.nodes[NodeId(name)] for name in "12"]
    assert [node.view for node in rivals] == [3, 3]


def test_a_paused_node_does_nothing() -> None:
    chaos = _chaos()
    chaos.faults.paused |= set(map(NodeId, "012"))
    before = len(chaos.stage.lines)
    for act in (chaos.tick, chaos.jump, chaos.write, chaos.exchange):
        act()
    assert len(chaos.stage.lines) == before


@pytest.mark.slow
def test_dice_decide_how_often_an_act_is_done() -> None:
    words = set()
    for seed in range(60):
        chaos = _chaos(seed)
        for _ in range(400):
            chaos.act()
        words |= {line[0] for line in chaos.stage.lines}
    assert words >= {
        "dispatch_single",
        "drop_single",
        "drop_pending_to",
        "postpone",
        "dispatch_damaged",
        "create_from_snapshot",
        "periodic_one",
        "replicate",
        "emit_signature",
        "flush",
        "crash",
        "create_new_node",
        "replicate_new_configuration",
        "cleanup_nodes",
    }
