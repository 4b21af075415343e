"""A leader appends, counts answers, commits and knows when to stop."""

from ccfpy.base.ids import NodeId
from ccfpy.base.limits import APPEND_ENTRIES_BYTES
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.ready import EntryFacts, Ready
from ccfpy.consensus.roles import LeadershipState
from tests.unit.consensus.nodes import (
    HEARTBEAT_MS,
    SIGNATURE,
    TIMEOUT_MS,
    WRITE,
    ack,
    ids,
    leads,
    nack,
    new_leader,
    new_raft,
    part,
)

ONE, TWO = NodeId("1"), NodeId("2")


def test_only_a_signature_on_a_majority_is_committed() -> None:
    raft = new_leader()
    raft.append(WRITE)
    assert raft.receive(ONE, ack(1, 1)).commit_to is None
    raft.append(SIGNATURE)
    raft.append(WRITE)
    assert raft.receive(ONE, ack(1, 1)).commit_to is None
    assert raft.receive(ONE, ack(1, 3)).commit_to == 2
    assert raft.log.commit_seqno == 2


def test_a_lone_leader_commits_as_it_signs() -> None:
    raft = new_leader(nodes="0", voters="")
    assert raft.append(WRITE).commit_to is None
    assert raft.append(SIGNATURE).commit_to == 2
    assert not raft.should_sign


def test_a_signature_of_an_older_view_is_not_committed_by_count() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.state.view = 2
    assert raft.receive(ONE, ack(2, 1)).commit_to is None
    raft.append(SIGNATURE)
    assert raft.receive(ONE, ack(2, 2)).commit_to == 2


def test_every_active_configuration_must_hold_it() -> None:
    raft = new_leader(nodes="01234", voters="1234")
    raft.append(EntryFacts(size=1, retired=ids("2", "3", "4")))
    raft.append(SIGNATURE)
    assert raft.receive(ONE, ack(1, 2)).commit_to is None
    assert raft.receive(TWO, ack(1, 2)).commit_to == 2


def test_nothing_is_committed_without_a_configuration() -> None:
    raft = new_leader(nodes="0", voters="")
    raft.state.configurations.rollback(-1)
    assert raft.append(SIGNATURE).commit_to is None


def test_a_member_that_is_not_sent_to_holds_nothing() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.state.peers.pop(ONE)
    assert raft.receive(TWO, ack(1, 1)).commit_to == 1
    assert raft.receive(ONE, ack(1, 1)) == Ready()


def test_what_matches_never_goes_back_nor_beyond_the_log() -> None:
    raft = new_leader()
    for _ in range(3):
        raft.append(WRITE)
    peer = raft.state.peers[ONE]
    raft.receive(ONE, ack(1, 2))
    raft.receive(ONE, ack(1, 1))
    raft.receive(ONE, ack(0, 3))
    raft.receive(ONE, ack(1, 9))
    assert peer.matched == 2


def test_a_complaint_moves_what_is_sent_and_not_what_matches() -> None:
    raft = new_leader()
    for _ in range(4):
        raft.append(WRITE)
    raft.tick(HEARTBEAT_MS)
    peer = raft.state.peers[ONE]
    assert peer.sent == 4
    raft.receive(ONE, nack(1, 3))
    assert (peer.sent, peer.matched) == (3, 0)
    raft.receive(ONE, ack(1, 2))
    raft.receive(ONE, nack(0, 9))
    assert (peer.sent, peer.matched) == (2, 2)


def test_what_is_acknowledged_beyond_what_was_sent_is_not_sent() -> None:
    raft = new_leader()
    for _ in range(4):
        raft.append(WRITE)
    raft.tick(HEARTBEAT_MS)
    peer = raft.state.peers[ONE]
    raft.receive(ONE, nack(1, 1))
    raft.receive(ONE, ack(1, 3))
    assert (peer.sent, peer.matched) == (3, 3)
    raft.receive(ONE, ack(1, 9))
    assert (peer.sent, peer.matched) == (3, 3)


def test_complaints_of_one_gap_are_acted_on_once_until_the_next_heartbeat() -> None:
    raft = new_leader()
    for _ in range(4):
        raft.append(WRITE)
    raft.append(SIGNATURE)
    raft.flush()
    peer = raft.state.peers[ONE]
    assert peer.sent == 5
    raft.receive(ONE, nack(1, 2))
    resent = [message for to, message in raft.flush().messages if to == ONE]
    assert [m.previous.seqno for m in resent if isinstance(m, AppendEntries)] == [2]
    raft.receive(ONE, nack(1, 2))
    assert raft.flush() == Ready()
    raft.tick(HEARTBEAT_MS)
    raft.receive(ONE, nack(1, 2))
    assert peer.sent == 2


def test_an_answer_of_a_newer_view_ends_leadership() -> None:
    raft = new_leader()
    raft.receive(ONE, nack(4, 0))
    assert not leads(raft)
    assert raft.view == 4
    assert raft.receive(ONE, ack(4, 0)) == Ready()


def test_a_heartbeat_is_sent_when_due() -> None:
    raft = new_leader()
    assert raft.tick(HEARTBEAT_MS - 1).messages == ()
    assert [to for to, _ in raft.tick(1).messages] == ["1", "2"]


def test_a_message_s_worth_is_sent_without_waiting() -> None:
    raft = new_leader()
    ready = raft.append(EntryFacts(size=APPEND_ENTRIES_BYTES))
    assert [to for to, _ in ready.messages] == ["1", "2"]
    assert all(isinstance(m, AppendEntries) for _, m in ready.messages)


def test_a_leader_that_hears_no_majority_steps_down_in_its_view() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.append(WRITE)
    raft.tick(TIMEOUT_MS - 1)
    assert leads(raft)
    ready = raft.tick(1)
    assert part(raft) is LeadershipState.FOLLOWER
    assert raft.view == 1
    assert ready.rollback_to == 1


def test_a_leader_needs_to_hear_a_majority_of_each_configuration() -> None:
    raft = new_leader()
    raft.append(EntryFacts(size=1, trusted=ids("3", "4"), retired=ids("1", "2")))
    raft.tick(TIMEOUT_MS - 1)
    raft.receive(NodeId("3"), ack(1, 1))
    raft.tick(1)
    assert not leads(raft)


def test_any_answer_shows_that_a_peer_lives() -> None:
    raft = new_leader()
    raft.tick(TIMEOUT_MS - 1)
    raft.receive(ONE, nack(0, 0))
    raft.tick(TIMEOUT_MS - 1)
    assert leads(raft)


def test_an_answer_to_nobody_is_ignored() -> None:
    raft = new_raft()
    assert raft.receive(ONE, ack(9, 9)) == Ready()
    assert raft.view == 0
