"""A backup judges, takes, and vouches for what it took."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntriesResponse
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import Ready
from ccfpy.consensus.roles import LeadershipState
from tests.unit.consensus.nodes import (
    SIGNATURE,
    TIMEOUT_MS,
    WRITE,
    ack,
    entries,
    leads,
    nack,
    new_leader,
    new_raft,
    part,
    take,
)

ONE, TWO = NodeId("1"), NodeId("2")


def _answer(ready: Ready) -> AppendEntriesResponse:
    ((_, message),) = ready.messages
    assert isinstance(message, AppendEntriesResponse)
    return message


def _backup(*, commit: int = 0) -> Raft:
    """Return a backup with 1.1, 1.2 signed, 1.3 and 1.4 signed, of leader 1."""
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 4), commit=commit)
    take(raft, message, [WRITE, SIGNATURE, WRITE, SIGNATURE])
    return raft


def test_entries_that_fit_are_offered_and_vouched_for() -> None:
    raft = new_raft()
    ready = raft.receive(ONE, entries(view=1, after=(0, 0), last=(1, 2), commit=2))
    assert ready.messages == ()
    assert ready.offer is not None
    assert (ready.offer.first, ready.offer.view, ready.offer.entry_count) == (1, 1, 2)
    ready = raft.accept([WRITE, SIGNATURE])
    assert ready.commit_to == 2
    assert _answer(ready) == ack(1, 2)
    assert raft.leader == "1"


def test_what_is_here_already_is_not_offered_again() -> None:
    raft = _backup()
    assert _answer(
        raft.receive(ONE, entries(view=1, after=(0, 0), last=(1, 3)))
    ) == ack(1, 3)
    ready = raft.receive(ONE, entries(view=1, after=(1, 2), last=(1, 6)))
    assert ready.offer is not None
    assert ready.offer.first == 5


def test_an_old_leader_is_told_of_the_view() -> None:
    raft = _backup()
    raft.receive(TWO, entries(view=3, after=(1, 4), last=(1, 4)))
    answer = _answer(raft.receive(ONE, entries(view=1, after=(1, 4), last=(1, 5))))
    assert answer == nack(3, 4)
    assert raft.leader == "2"


def test_what_does_not_reach_here_is_refused_with_the_end_of_the_log() -> None:
    raft = _backup()
    for after in ((1, 7), (0, 7)):
        ready = raft.receive(ONE, entries(view=1, after=after, last=(1, 9)))
        assert _answer(ready) == nack(1, 4)
    assert raft.leader == "1"


def test_what_does_not_fit_is_refused_with_the_best_match() -> None:
    raft = _backup()
    ready = raft.receive(TWO, entries(view=5, after=(3, 4), last=(3, 4)))
    assert _answer(ready) == nack(1, 4)
    assert raft.leader is None
    ready = raft.receive(TWO, entries(view=5, after=(0, 4), last=(3, 5)))
    assert _answer(ready) == nack(0, 0)


def test_entries_that_begin_before_the_commit_are_not_answered() -> None:
    raft = _backup(commit=2)
    assert raft.log.commit_seqno == 2
    assert raft.receive(ONE, entries(view=1, after=(1, 1), last=(1, 6))) == Ready()
    assert raft.log.last_seqno == 4


@pytest.mark.parametrize(
    ("at", "answered"), [((0, 0), 2), ((1, 1), 2), ((1, 2), 2), ((1, 3), 3)]
)
def test_a_heartbeat_before_the_commit_is_answered_with_the_commit(
    at: tuple[int, int], answered: int
) -> None:
    raft = _backup(commit=2)
    ready = raft.receive(ONE, entries(view=1, after=at, last=at, commit=2))
    assert _answer(ready) == ack(1, answered)
    assert raft.log.last_seqno == 4


def test_a_new_leader_s_heartbeat_before_the_commit_is_answered_in_its_view() -> None:
    raft = _backup(commit=2)
    ready = raft.receive(TWO, entries(view=3, after=(1, 1), last=(1, 1)))
    assert _answer(ready) == ack(3, 2)


def test_a_branch_is_dropped_once_for_a_leader() -> None:
    raft = _backup()
    ready = raft.receive(TWO, entries(view=2, after=(1, 2), last=(2, 3)))
    assert ready.rollback_to == 2
    raft.accept([SIGNATURE])
    assert raft.log.tx_id(3) == TxId(2, 3)
    overtaken = entries(view=2, after=(1, 2), last=(1, 4))
    assert raft.receive(TWO, overtaken) == Ready()
    assert raft.log.tx_id(3) == TxId(2, 3)


def test_what_agrees_is_kept_by_a_new_leader_s_old_message() -> None:
    raft = _backup()
    ready = raft.receive(TWO, entries(view=2, after=(1, 1), last=(1, 2)))
    assert ready.rollback_to is None
    assert _answer(ready) == ack(2, 2)
    assert raft.log.last_seqno == 4


def test_a_commit_does_not_reach_beyond_what_was_verified() -> None:
    raft = _backup()
    ready = raft.receive(TWO, entries(view=2, after=(1, 1), last=(1, 3), commit=4))
    assert ready.commit_to == 2
    assert _answer(ready) == ack(2, 3)


def test_an_entry_that_is_refused_ends_the_batch() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 4), commit=4)
    assert raft.receive(ONE, message).offer is not None
    ready = raft.accept([WRITE, SIGNATURE])
    assert _answer(ready) == nack(1, 2)
    assert ready.commit_to == 2
    with pytest.raises(AssertionError, match="nothing was offered"):
        raft.accept([])


def test_what_precedes_a_refused_entry_is_committed_as_the_leader_says() -> None:
    raft = _backup()
    raft.receive(ONE, entries(view=1, after=(1, 4), last=(1, 6), commit=4))
    ready = raft.accept([WRITE])
    assert ready.commit_to == 4
    assert _answer(ready) == nack(1, 5)
    raft.receive(ONE, entries(view=1, after=(1, 5), last=(1, 7), commit=7))
    ready = raft.accept([SIGNATURE])
    assert ready.commit_to == 6
    assert _answer(ready) == nack(1, 6)


def test_no_more_is_accepted_than_was_offered() -> None:
    raft = new_raft()
    raft.receive(ONE, entries(view=1, after=(0, 0), last=(1, 1)))
    with pytest.raises(AssertionError, match="no more"):
        raft.accept([WRITE, WRITE])


@pytest.mark.parametrize("is_pre_vote_enabled", [False, True])
def test_a_candidate_gives_way_to_its_view_s_leader(
    *, is_pre_vote_enabled: bool
) -> None:
    raft = new_raft(is_pre_vote_enabled=is_pre_vote_enabled)
    raft.tick(TIMEOUT_MS)
    raft.receive(ONE, entries(view=raft.view, after=(0, 0), last=(0, 0)))
    assert part(raft) is LeadershipState.FOLLOWER
    assert raft.leader == "1"
    assert raft.state.voted_for == (None if is_pre_vote_enabled else "0")


def test_a_leader_takes_nothing_from_another_of_its_view() -> None:
    raft = new_leader()
    assert raft.receive(TWO, entries(view=1, after=(0, 0), last=(1, 1))) == Ready()
    assert leads(raft)
