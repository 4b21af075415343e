"""Commands that change something."""

from ccfpy.base.ids import NodeId
from ccfpy.testing.scenario import steps
from ccfpy.testing.scenario.cluster import Cluster


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
    settings = [n.raft.replica.settings for n in cluster.nodes.values()]
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
