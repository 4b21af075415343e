"""Moves that every role shares keep a node's parts in step."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntries, ProposeRequestVote
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.roles import LeadershipState, MembershipState, RetirementPhase
from ccfpy.consensus.transitions import become_aware_of_view, commit, rollback
from tests.unit.consensus.nodes import (
    SIGNATURE,
    ack,
    entries,
    ids,
    new_leader,
    new_raft,
    part,
    take,
)


def test_a_rollback_reaches_every_part() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.append(EntryFacts(size=1, retired=ids("0"), retired_committed=ids("2")))
    assert raft.details()["membership_state"] == "Retired"
    rollback(raft.state, 1)
    assert raft.state.out.take().rollback_to == 1
    assert raft.state.retirement.membership is MembershipState.ACTIVE
    assert raft.state.configurations.latest == ids("0", "1", "2")
    assert raft.state.retired_committed == []


def test_a_rollback_forgets_the_nodes_that_it_takes_back() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.append(EntryFacts(size=1, trusted=ids("3"), retired=ids("1")))
    assert raft.state.peers.keys() == ids("1", "2", "3")
    rollback(raft.state, 1)
    assert raft.state.peers.keys() == ids("1", "2")


def test_a_rollback_to_the_end_asks_for_nothing() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    rollback(raft.state, 1)
    assert raft.state.out.take().rollback_to is None


def test_what_is_committed_is_not_committed_again() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    assert raft.receive(NodeId("1"), ack(1, 1)).commit_to == 1
    commit(raft.state, 1)
    assert raft.state.out.take().commit_to is None


def test_a_new_node_is_greeted_with_what_comes_next() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    ready = raft.append(EntryFacts(size=1, trusted=ids("3")))
    (greeting,) = ready.messages
    assert greeting.to == "3"
    assert isinstance(greeting.message, AppendEntries)
    assert greeting.message.last == TxId(1, 1)


def test_the_same_nodes_again_change_nothing() -> None:
    raft = new_leader()
    assert raft.append(EntryFacts(size=1, trusted=ids("0"))).messages == ()
    assert len(raft.state.configurations) == 1


def test_a_vote_is_forgotten_in_a_new_view_only() -> None:
    state = new_raft().state
    state.view, state.voted_for = 3, NodeId("1")
    become_aware_of_view(state, 3)
    assert state.voted_for == "1"
    become_aware_of_view(state, 4)
    assert state.voted_for is None


def test_a_node_begins_to_campaign_once_a_signature_covers_its_trust() -> None:
    raft = new_raft("3")
    raft.state.is_ticking = False
    message = entries(view=1, after=(0, 0), last=(1, 3))
    assert raft.receive(NodeId("1"), message).offer is not None
    raft.accept([SIGNATURE])
    assert not raft.state.is_ticking
    message = entries(view=1, after=(1, 1), last=(1, 3))
    take(raft, message, [EntryFacts(size=1, trusted=ids("3")), SIGNATURE])
    assert raft.state.is_ticking


def test_a_node_that_is_trusted_and_removed_under_one_signature_campaigns() -> None:
    raft = new_raft("3")
    raft.state.is_ticking = False
    message = entries(view=1, after=(0, 0), last=(1, 3))
    changes = [
        EntryFacts(size=1, trusted=ids("3")),
        EntryFacts(size=1, retired=ids("3")),
    ]
    take(raft, message, [*changes, SIGNATURE])
    assert raft.state.is_ticking


def test_a_final_retirement_lets_go_and_names_a_successor() -> None:
    raft = new_leader()
    raft.append(EntryFacts(size=1, retired=ids("0")))
    raft.append(SIGNATURE)
    raft.receive(NodeId("1"), ack(1, 2))
    assert raft.receive(NodeId("2"), ack(1, 2)).is_cleanup_due
    assert raft.state.retirement.phase is RetirementPhase.COMPLETED
    raft.append(EntryFacts(size=1, retired_committed=ids("0")))
    raft.append(SIGNATURE)
    raft.receive(NodeId("1"), ack(1, 3))
    raft.receive(NodeId("2"), ack(1, 4))
    ready = raft.receive(NodeId("1"), ack(1, 4))
    assert ready.messages == ((NodeId("1"), ProposeRequestVote(view=1)),)
    assert part(raft) is LeadershipState.NONE
    assert raft.leader is None
    assert not ready.is_cleanup_due


def test_a_final_retirement_may_find_no_successor() -> None:
    raft = new_leader()
    raft.append(EntryFacts(size=1, retired=ids("0")))
    raft.append(SIGNATURE)
    for peer in "12":
        raft.receive(NodeId(peer), ack(1, 2))
    raft.append(EntryFacts(size=1, retired_committed=ids("0")))
    raft.append(SIGNATURE)
    raft.state.peers.clear()
    commit(raft.state, 4)
    assert raft.state.out.take().messages == ()
    assert part(raft) is LeadershipState.NONE


def test_a_retired_peer_is_let_go_once_that_is_committed() -> None:
    raft = new_leader()
    raft.append(EntryFacts(size=1, retired=ids("2")))
    raft.append(SIGNATURE)
    raft.receive(NodeId("1"), ack(1, 2))
    raft.append(EntryFacts(size=1, retired_committed=ids("2")))
    assert set(raft.state.peers) == {"1", "2"}
    raft.append(SIGNATURE)
    raft.receive(NodeId("1"), ack(1, 4))
    assert set(raft.state.peers) == {"1"}
    assert raft.state.retired_committed == []


def test_a_backup_s_retirement_may_become_final_in_one_message() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 4), commit=4)
    record = EntryFacts(size=1, retired_committed=ids("0"))
    taken = [EntryFacts(size=1, retired=ids("0")), SIGNATURE, record, SIGNATURE]
    ready = take(raft, message, taken)
    assert part(raft) is LeadershipState.NONE
    assert raft.state.retirement.committed_at == 4
    assert [to for to, _ in ready.messages] == ["1"]
