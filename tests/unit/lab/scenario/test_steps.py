"""Commands that change something."""

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.consensus.configurations import Configuration
from tests.lab.scenario import ScenarioFailed, steps
from tests.lab.scenario.cluster import Cluster


def _started() -> Cluster:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    return cluster


def test_latest_without_a_leader_writes_nothing() -> None:
    cluster = Cluster()
    steps.create_new_node(cluster, ["0"])
    steps.replicate(cluster, ["latest", "x"])
    steps.emit_signature(cluster, ["latest"])
    steps.trust_nodes(cluster, ["latest", "1"])
    assert not cluster.node("0").ledger
    assert steps.leader_of(cluster, "latest") is None


def test_in_and_out_come_in_either_order() -> None:
    for words in (["in", "1", "out", "0"], ["out", "0", "in", "1"]):
        cluster = _started()
        steps.swap_nodes(cluster, ["2", *words])
        assert cluster.node("0").ledger[-1].nodes == {NodeId("1")}
        assert cluster.node("0").ledger[-1].removed == {NodeId("0")}


def test_nodes_for_polls_are_created_from_then_on() -> None:
    cluster = _started()
    steps.pre_vote_enabled(cluster, ["true"])
    steps.create_new_node(cluster, ["1"])
    settings = [n.raft.state.settings for n in cluster.nodes.values()]
    assert [s.is_pre_vote_enabled for s in settings] == [False, True]


def test_a_shuffle_keeps_every_message() -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1", "2"])
    steps.periodic_all(cluster, ["10"])
    before = sorted(map(str, cluster.node("0").outbox))
    steps.shuffle_all(cluster, [])
    assert sorted(map(str, cluster.node("0").outbox)) == before


def test_a_node_is_cut_off_and_joined_again() -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1"])
    steps.disconnect_node(cluster, ["1"])
    steps.dispatch_one(cluster, ["0"])
    assert not cluster.node("1").outbox
    steps.reconnect_node(cluster, ["1"])
    steps.periodic_one(cluster, ["0", "10"])
    steps.dispatch_one(cluster, ["0"])
    assert cluster.node("1").outbox


def test_one_message_is_lost_and_another_overtaken() -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1"])
    steps.periodic_one(cluster, ["0", "10"])
    first, *rest = cluster.node("0").outbox
    assert rest
    steps.postpone(cluster, ["0", "1"])
    assert list(cluster.node("0").outbox) == [*rest, first]
    steps.drop_single(cluster, ["0", "1"])
    assert list(cluster.node("0").outbox) == [*rest, first][1:]


def test_a_node_that_crashed_is_gone() -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1"])
    steps.crash(cluster, ["1"])
    steps.reconnect_node(cluster, ["1"])
    steps.periodic_one(cluster, ["1", "1000"])
    steps.dispatch_all(cluster, [])
    gone = cluster.node("1")
    assert (gone.clock_ms, gone.ledger, len(gone.outbox)) == (0, [], 0)


def test_what_is_signed_leaves_at_the_end_of_a_turn() -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1"])
    steps.periodic_one(cluster, ["0", "10"])
    steps.dispatch_all(cluster, [])
    steps.flush(cluster, ["0"])
    assert not cluster.node("0").outbox
    steps.emit_signature(cluster, ["2"])
    steps.flush(cluster, ["0"])
    waiting = len(cluster.node("0").outbox)
    assert waiting > 0
    steps.flush(cluster, ["0"])
    assert len(cluster.node("0").outbox) == waiting
    steps.crash(cluster, ["0"])
    steps.flush(cluster, ["0"])
    assert not cluster.node("0").outbox


def test_a_node_may_begin_with_what_is_final_on_another() -> None:
    cluster = _started()
    with pytest.raises(ScenarioFailed, match="nothing is final on node 0"):
        steps.create_from_snapshot(cluster, ["1", "0"])
    steps.emit_signature(cluster, ["2"])
    steps.replicate(cluster, ["2", "not final"])
    steps.trust_nodes(cluster, ["2", "1"])
    steps.create_from_snapshot(cluster, ["2", "0"])
    joiner = cluster.node("2")
    assert joiner.ledger == cluster.node("0").ledger[:2]
    assert (joiner.commit_seqno, joiner.view) == (2, 2)
    assert joiner.raft.log.history.starts == (1, 1)
    (configuration,) = joiner.raft.state.configurations
    assert configuration == Configuration(seqno=1, nodes=frozenset({NodeId("0")}))
    assert not joiner.raft.state.is_ticking


@pytest.mark.parametrize("sound", [0, 1, 2])
def test_a_damaged_message_is_taken_up_to_the_damage(sound: int) -> None:
    cluster = _started()
    steps.trust_nodes(cluster, ["2", "1"])
    steps.periodic_one(cluster, ["0", "10"])
    steps.dispatch_all(cluster, [])
    before = len(cluster.node("1").ledger)
    steps.replicate(cluster, ["2", "x"])
    steps.emit_signature(cluster, ["2"])
    steps.periodic_one(cluster, ["0", "10"])
    steps.dispatch_damaged(cluster, ["0", "1", str(sound)])
    assert len(cluster.node("1").ledger) == before + sound
    while cluster.node("0").outbox.waiting(NodeId("1")):
        steps.drop_single(cluster, ["0", "1"])
    steps.dispatch_damaged(cluster, ["0", "1", "0"])
    assert len(cluster.node("1").ledger) == before + sound
