"""The face of consensus: beginnings, order of inputs, questions."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import Settings
from ccfpy.consensus.ready import EntryFacts, Ready
from ccfpy.consensus.roles import LeadershipState
from tests.unit.consensus.nodes import (
    SIGNATURE,
    TIMEOUT_MS,
    WRITE,
    ack,
    entries,
    ids,
    new_leader,
    new_raft,
    part,
    plea,
)


def _raft() -> Raft:
    return Raft(NodeId("0"), Settings(), jitter=lambda _: 0)


def test_a_service_begins_in_view_two() -> None:
    raft = _raft()
    raft.begin()
    assert (raft.view, raft.leader) == (2, "0")
    raft.append(EntryFacts(size=1, trusted=ids("0")))
    assert raft.append(SIGNATURE).commit_to == 2
    assert raft.log.history.starts == (1, 1)


def test_a_service_is_recovered_two_views_on() -> None:
    raft = _raft()
    raft.recover(starts=(1, 1, 5), last=TxId(3, 8))
    assert raft.view == 5
    assert raft.log.commit_seqno == 8
    raft.append(EntryFacts(size=1, trusted=ids("0")))
    assert raft.append(SIGNATURE).commit_to == 10
    assert raft.log.history.starts == (1, 1, 5, 9, 9)


def test_nobody_begins_a_service_that_has_a_leader() -> None:
    raft = _raft()
    raft.begin()
    with pytest.raises(AssertionError, match="a leader already"):
        raft.begin()


def test_a_node_joins_from_a_snapshot() -> None:
    raft = _raft()
    raft.join(
        starts=(1, 1, 5),
        last=TxId(3, 8),
        configurations=[Configuration(seqno=3, nodes=ids("0", "1"))],
    )
    assert part(raft) is LeadershipState.FOLLOWER
    assert (raft.view, raft.log.commit_seqno) == (3, 8)
    assert set(raft.state.peers) == {"1"}
    ready = raft.receive(NodeId("1"), entries(view=3, after=(3, 8), last=(3, 9)))
    assert ready.offer is not None


def test_an_offer_is_taken_before_anything_else() -> None:
    raft = new_raft()
    raft.receive(NodeId("1"), entries(view=1, after=(0, 0), last=(1, 1)))
    with pytest.raises(AssertionError, match="an offer waits"):
        raft.tick(1)
    with pytest.raises(AssertionError, match="an offer waits"):
        raft.receive(NodeId("2"), plea(view=2))
    with pytest.raises(AssertionError, match="an offer waits"):
        raft.append(WRITE)
    raft.accept([WRITE])
    assert raft.tick(1) == Ready()


def test_only_a_leader_appends() -> None:
    with pytest.raises(AssertionError, match="only a leader"):
        new_raft().append(WRITE)


def test_a_leader_signs_first() -> None:
    raft = new_leader()
    before = (raft.append(WRITE), raft.should_sign)
    after = (raft.append(SIGNATURE), raft.should_sign)
    assert (before[1], after[1]) == (True, False)
    backup = new_raft()
    backup.state.should_sign = True
    assert not backup.should_sign


def test_a_leader_is_full_when_too_much_waits() -> None:
    raft = new_leader(uncommitted_tx_max=2)
    raft.append(WRITE)
    seen = [raft.is_at_capacity]
    raft.append(SIGNATURE)
    seen.append(raft.is_at_capacity)
    raft.receive(NodeId("1"), ack(1, 2))
    seen.append(raft.is_at_capacity)
    assert seen == [False, True, False]


def test_no_bound_is_ever_reached() -> None:
    raft = new_leader(uncommitted_tx_max=0)
    for _ in range(100):
        raft.append(WRITE)
    assert not raft.is_at_capacity
    assert not new_raft(uncommitted_tx_max=1).is_at_capacity


def test_time_passes_for_backups_too() -> None:
    raft = new_raft()
    raft.tick(TIMEOUT_MS)
    assert part(raft) is LeadershipState.CANDIDATE
