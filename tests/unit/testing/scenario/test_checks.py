"""The checks see what they are there for."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.roles import LeadershipState
from ccfpy.testing.scenario import ScenarioFailed, steps
from ccfpy.testing.scenario.assertions import loop_until_sync
from ccfpy.testing.scenario.checks import (
    History,
    check_commit_safety,
    check_views,
    discrepancies,
)
from ccfpy.testing.scenario.cluster import Cluster
from ccfpy.testing.scenario.ledger import Kind, LedgerEntry


def _cluster() -> Cluster:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1", "2"])
    loop_until_sync(cluster)
    return cluster


def test_a_sound_cluster_passes() -> None:
    cluster = _cluster()
    history = History()
    history.check(cluster)
    history.check(cluster)
    for node in cluster.nodes.values():
        check_commit_safety(cluster, node)
    assert discrepancies(cluster.nodes.values()) == []


def test_a_commit_that_a_minority_holds_is_seen() -> None:
    cluster = _cluster()
    for name in "12":
        cluster.node(name).ledger.pop()
    with pytest.raises(ScenarioFailed, match="node 0 committed 3"):
        check_commit_safety(cluster, cluster.node("0"))


def test_a_second_leader_of_a_view_is_seen() -> None:
    cluster = _cluster()
    history = History()
    history.check(cluster)
    cluster.node("0").raft.replica.leadership = LeadershipState.FOLLOWER
    cluster.node("1").raft.replica.leadership = LeadershipState.LEADER
    with pytest.raises(ScenarioFailed, match="nodes 0 and 1 both led view 2"):
        history.check(cluster)


def test_a_second_vote_is_seen() -> None:
    cluster = _cluster()
    history = History()
    cluster.node("1").raft.replica.voted_for = NodeId("0")
    history.check(cluster)
    cluster.node("1").raft.replica.voted_for = NodeId("2")
    with pytest.raises(ScenarioFailed, match="node 1 voted for 0, now for 2"):
        history.check(cluster)


def test_another_history_is_seen() -> None:
    cluster = _cluster()
    history = History()
    history.check(cluster)
    cluster.node("2").ledger[1] = LedgerEntry(TxId(2, 2), Kind.RAW, b"other")
    with pytest.raises(ScenarioFailed, match="node 2 committed another history"):
        history.check(cluster)


def test_a_commit_of_no_signature_is_seen() -> None:
    cluster = _cluster()
    cluster.node("0").raft.log.commit_seqno = 2
    with pytest.raises(ScenarioFailed, match="committed 2, no signature"):
        History().check(cluster)


def test_a_view_that_goes_back_is_seen() -> None:
    cluster = _cluster()
    history = History()
    history.check(cluster)
    cluster.node("1").raft.replica.view = 1
    with pytest.raises(ScenarioFailed, match="node 1 went from"):
        history.check(cluster)


def test_a_view_after_an_unsigned_entry_is_seen() -> None:
    node = _cluster().node("0")
    node.append(b"unsigned")
    node.ledger.append(LedgerEntry(TxId(3, 5), Kind.RAW, b"of a new view"))
    with pytest.raises(ScenarioFailed, match=r"3\.5 follows 2\.4, unsigned"):
        check_views(node)


def test_each_difference_is_told() -> None:
    cluster = _cluster()
    cluster.node("0").append(b"more")
    cluster.node("2").raft.replica.view = 4
    assert discrepancies(cluster.nodes.values()) == [
        "last seqno is 4 on 0, 3 on 1",
        "entries differ between 0 and 1",
        "view is 2 on 0, 4 on 2",
        "last seqno is 4 on 0, 3 on 2",
        "entries differ between 0 and 2",
    ]
