"""An operator keeps within the fault model."""

from random import Random

from ccfpy.base.ids import NodeId
from tests.lab.cluster.consensus import membership
from tests.lab.cluster.consensus.stage import Stage


def _stage() -> Stage:
    stage = Stage()
    stage.do("start_node", "0")
    stage.do("emit_signature", "2")
    stage.do("trust_nodes", "2", "1", "2")
    stage.do("loop_until_sync")
    return stage


def test_new_nodes_have_new_names() -> None:
    stage = _stage()
    assert membership.add_node(stage, pre_votes=True) == "3"
    assert stage.nodes[NodeId("3")].raft.state.settings.is_pre_vote_enabled
    assert membership.add_node(stage, pre_votes=False) == "4"
    assert not stage.nodes[NodeId("4")].raft.state.settings.is_pre_vote_enabled


def test_a_new_node_may_begin_with_a_snapshot() -> None:
    stage = _stage()
    name = membership.add_node(stage, pre_votes=False, source=NodeId("0"))
    assert len(stage.nodes[name].ledger) == stage.nodes[NodeId("0")].commit_seqno > 0


def test_of_those_that_join_some_begin_with_a_snapshot() -> None:
    words = set()
    for seed in range(20):
        stage = _stage()
        membership.reconfigure(stage, stage.leaders()[0], Random(seed))
        words |= {line[0] for line in stage.lines}
    assert {"create_new_node", "create_from_snapshot"} <= words


def test_a_majority_of_each_configuration_lives() -> None:
    stage = _stage()
    assert membership.may_crash(stage, NodeId("0"))
    stage.do("crash", "0")
    assert not membership.may_crash(stage, NodeId("1"))
    assert not membership.may_crash(stage, NodeId("2"))


def test_whatever_an_operator_asks_for_some_nodes_stay() -> None:
    for seed in range(40):
        stage = _stage()
        dice = Random(seed)
        for _ in range(8):
            membership.reconfigure(stage, stage.leaders()[0], dice)
            nodes = stage.leaders()[0].raft.state.configurations.latest
            assert 0 < len(nodes) <= membership.MEMBERS_MAX
        assert len(stage.nodes) <= membership.NODES_MAX


def test_only_retirements_that_are_final_are_recorded_and_once() -> None:
    stage = _stage()
    leader = stage.leaders()[0]
    stage.do("replicate_new_configuration", "2", "0", "1")
    membership.clean_up(stage, leader)
    assert stage.lines[-1][0] != "cleanup_nodes"
    stage.do("loop_until_sync")
    membership.clean_up(stage, leader)
    assert stage.lines[-1] == ("cleanup_nodes", "2", "2")
    before = len(stage.lines)
    membership.clean_up(stage, leader)
    assert len(stage.lines) == before


def test_nodes_that_nobody_counts_are_stopped() -> None:
    stage = _stage()
    membership.add_node(stage, pre_votes=False)
    membership.dismiss(stage)
    assert [node.id for node in stage.live()] == ["0", "1", "2"]


def test_recovery_is_expected_within_the_fault_model() -> None:
    stage = Stage()
    assert not membership.must_recover(stage)
    stage = _stage()
    assert membership.must_recover(stage)
    membership.add_node(stage, pre_votes=False)
    assert not membership.must_recover(stage)
    membership.dismiss(stage)
    stage.do("crash", "1")
    assert membership.must_recover(stage)
    stage.do("crash", "2")
    assert not membership.must_recover(stage)
