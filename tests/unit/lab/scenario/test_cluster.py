"""Wires, outboxes and what a host would do."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from tests.lab.scenario import ScenarioFailed, steps
from tests.lab.scenario.assertions import loop_until_sync
from tests.lab.scenario.cluster import Cluster, Node
from tests.lab.scenario.ledger import Kind, LedgerEntry


def _pair() -> tuple[Cluster, Node, Node]:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1"])
    loop_until_sync(cluster)
    return cluster, cluster.node("0"), cluster.node("1")


def test_a_cut_wire_loses_what_is_delivered_not_what_is_queued() -> None:
    cluster, leader, backup = _pair()
    leader.append(b"x")
    cluster.disconnect(leader.id, backup.id)
    cluster.tick(leader, 10)
    assert leader.outbox
    cluster.connect(leader.id, backup.id)
    cluster.dispatch(leader)
    assert backup.ledger == leader.ledger
    cluster.disconnect(leader.id, backup.id)
    cluster.tick(leader, 10)
    cluster.dispatch(leader)
    assert not leader.outbox
    sends = list(backup.outbox)
    assert sends
    assert cluster.deliver(backup, sends[0]) is False


def test_a_message_whose_entries_are_gone_is_lost() -> None:
    cluster, leader, backup = _pair()
    leader.append(b"x")
    cluster.tick(leader, 10)
    del leader.ledger[-1]
    cluster.dispatch(leader)
    assert len(backup.ledger) == len(leader.ledger)


def test_an_entry_of_another_place_is_refused() -> None:
    cluster, leader, backup = _pair()
    leader.append(b"x")
    leader.ledger[-1] = LedgerEntry(TxId(9, 9), Kind.RAW, b"forged")
    cluster.tick(leader, 10)
    cluster.dispatch(leader)
    assert len(backup.ledger) == len(leader.ledger) - 1


def test_a_single_message_is_the_first_to_that_node() -> None:
    cluster, leader, backup = _pair()
    cluster.dispatch_single(leader, backup.id)
    leader.append(b"x")
    cluster.tick(leader, 10)
    cluster.dispatch_single(leader, NodeId("0"))
    assert len(leader.outbox) == 1
    cluster.dispatch_single(leader, backup.id)
    assert backup.ledger == leader.ledger


def test_a_node_exists_once() -> None:
    cluster, *_ = _pair()
    with pytest.raises(ScenarioFailed, match="exists already"):
        cluster.add(NodeId("1"))
    assert list(cluster.nodes) == ["0", "1"]
