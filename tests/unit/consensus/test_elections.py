"""Elections: who stands, who votes, who wins."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.elections import become_leader, campaign
from ccfpy.consensus.messages import (
    AppendEntries,
    ElectionType,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import Settings
from ccfpy.consensus.ready import EntryFacts, Ready
from ccfpy.consensus.roles import LeadershipState
from tests.unit.consensus.nodes import (
    SIGNATURE,
    TIMEOUT_MS,
    WRITE,
    entries,
    ids,
    leads,
    new_leader,
    new_raft,
    part,
    plea,
    take,
    vote,
)

ONE, TWO = NodeId("1"), NodeId("2")


def _answer(ready: Ready) -> RequestVoteResponse:
    ((_, message),) = ready.messages
    assert isinstance(message, RequestVoteResponse)
    return message


def _make_final(raft: Raft) -> None:
    raft.state.retirement.order(1)
    raft.state.retirement.sign(1)
    raft.state.retirement.commit(1)
    raft.state.retirement.finish(1)


def test_a_node_that_hears_nobody_campaigns() -> None:
    raft = new_raft()
    assert raft.tick(TIMEOUT_MS - 1).messages == ()
    ready = raft.tick(1)
    assert part(raft) is LeadershipState.CANDIDATE
    assert raft.view == 1
    assert [to for to, _ in ready.messages] == ["1", "2"]
    assert ready.messages[0].message == plea(view=1)


def test_a_node_without_a_configuration_stands_for_nothing() -> None:
    for is_pre_vote_enabled in (False, True):
        raft = new_raft(nodes="", is_pre_vote_enabled=is_pre_vote_enabled)
        raft.state.configurations.rollback(-1)
        assert raft.tick(TIMEOUT_MS) == Ready()
        assert part(raft) is LeadershipState.FOLLOWER
        assert raft.view == 0


def test_a_node_campaigns_neither_before_it_may_nor_after_it_is_final() -> None:
    raft = new_raft()
    raft.state.is_ticking = False
    assert raft.tick(10 * TIMEOUT_MS) == Ready()
    raft.start_ticking()
    _make_final(raft)
    assert raft.tick(10 * TIMEOUT_MS) == Ready()
    campaign(raft.state)
    become_leader(raft.state)
    assert not leads(raft)


def test_a_poll_comes_before_the_view() -> None:
    raft = new_raft(is_pre_vote_enabled=True)
    raft.tick(TIMEOUT_MS)
    assert part(raft) is LeadershipState.PRE_VOTE_CANDIDATE
    assert raft.view == 0
    raft.receive(ONE, vote(view=0))
    assert raft.view == 0, "a vote that nobody asked for"
    ready = raft.receive(ONE, vote(view=0, election=ElectionType.PRE_VOTE))
    assert part(raft) is LeadershipState.CANDIDATE
    assert raft.view == 1
    assert ready.messages[0].message == plea(view=1)
    raft.receive(TWO, vote(view=1, election=ElectionType.PRE_VOTE))
    assert not leads(raft), "an answer to the poll elects nobody"


def test_an_election_needs_a_majority_of_this_view() -> None:
    raft = new_raft()
    raft.tick(TIMEOUT_MS)
    raft.receive(ONE, vote(view=0))
    raft.receive(ONE, vote(view=1, is_granted=False))
    raft.receive(NodeId("9"), vote(view=1))
    assert not leads(raft)
    ready = raft.receive(ONE, vote(view=1))
    assert leads(raft)
    assert raft.should_sign
    assert ready.is_cleanup_due
    assert all(isinstance(message, AppendEntries) for _, message in ready.messages)
    assert raft.receive(TWO, vote(view=1)) == Ready()


def test_a_vote_of_a_newer_view_ends_the_campaign() -> None:
    raft = new_raft()
    raft.tick(TIMEOUT_MS)
    raft.receive(ONE, vote(view=5, is_granted=False))
    assert raft.view == 5
    assert part(raft) is LeadershipState.FOLLOWER


def test_a_lone_node_elects_itself() -> None:
    raft = new_raft(nodes="0", is_pre_vote_enabled=True)
    raft.tick(TIMEOUT_MS)
    assert leads(raft)


def test_one_vote_is_given_in_a_view() -> None:
    raft = new_raft()
    assert _answer(raft.receive(ONE, plea(view=1))).is_granted
    assert not _answer(raft.receive(TWO, plea(view=1))).is_granted
    assert _answer(raft.receive(ONE, plea(view=1))).is_granted
    assert _answer(raft.receive(TWO, plea(view=2))).is_granted


def test_no_vote_is_given_in_an_old_view_or_where_there_is_a_leader() -> None:
    raft = new_raft()
    raft.receive(ONE, entries(view=3, after=(0, 0), last=(0, 0)))
    assert raft.leader == "1"
    assert not _answer(raft.receive(TWO, plea(view=2))).is_granted
    assert not _answer(raft.receive(TWO, plea(view=3))).is_granted
    polled = raft.receive(TWO, plea(view=3, election=ElectionType.PRE_VOTE))
    assert _answer(polled).is_granted
    assert raft.leader == "1"
    assert raft.state.voted_for is None


@pytest.mark.parametrize(
    ("last", "is_granted"),
    [((1, 1), False), ((1, 2), True), ((1, 9), True), ((2, 1), True), ((0, 9), False)],
)
def test_a_vote_goes_to_a_log_that_is_signed_as_far(
    last: tuple[int, int], *, is_granted: bool
) -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 3))
    take(raft, message, [WRITE, SIGNATURE, WRITE])
    answer = _answer(raft.receive(TWO, plea(view=4, last=last)))
    assert answer.is_granted is is_granted
    assert answer.view == 4


def test_a_candidate_boasts_of_what_is_signed() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 3))
    take(raft, message, [WRITE, SIGNATURE, WRITE])
    request = raft.tick(TIMEOUT_MS).messages[0].message
    assert request == plea(view=2, last=(1, 2))
    assert isinstance(request, RequestVote)


def test_a_new_leader_drops_what_is_unsigned() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 3), commit=2)
    take(raft, message, [WRITE, SIGNATURE, WRITE])
    raft.tick(TIMEOUT_MS)
    ready = raft.receive(ONE, vote(view=2))
    assert ready.rollback_to == 2
    assert raft.log.last_seqno == 2


def test_a_hint_of_this_view_is_followed_at_once() -> None:
    raft = new_raft()
    raft.receive(ONE, ProposeRequestVote(view=7))
    assert raft.view == 0
    raft.receive(ONE, ProposeRequestVote(view=0))
    assert part(raft) is LeadershipState.CANDIDATE


def test_a_hint_is_not_for_a_leader_nor_for_who_may_not_stand() -> None:
    leader = new_leader()
    leader.receive(ONE, ProposeRequestVote(view=1))
    assert leads(leader)
    for spoil in (_make_final, lambda raft: setattr(raft.state, "is_ticking", False)):
        raft = new_raft()
        spoil(raft)
        raft.receive(ONE, ProposeRequestVote(view=0))
        assert part(raft) is LeadershipState.FOLLOWER


def test_a_node_that_was_never_told_of_a_service_grants_its_vote() -> None:
    raft = Raft(NodeId("0"), Settings(), jitter=lambda _: 0)
    answer = _answer(raft.receive(ONE, plea(view=1, last=(1, 1))))
    assert answer.is_granted
    assert raft.log.last_committable == TxId(0, 0)


def test_a_poll_goes_by_what_is_signed_too() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 3))
    take(raft, message, [WRITE, SIGNATURE, WRITE])
    polled = plea(view=1, last=(1, 2), election=ElectionType.PRE_VOTE)
    assert _answer(raft.receive(TWO, polled)).is_granted
    assert raft.log.last_seqno == 3


def test_an_election_needs_a_majority_of_each_active_configuration() -> None:
    raft = new_raft()
    message = entries(view=1, after=(0, 0), last=(1, 2))
    change = EntryFacts(size=1, trusted=ids("3"), retired=ids("1", "2"))
    take(raft, message, [change, SIGNATURE])
    raft.tick(TIMEOUT_MS)
    raft.receive(NodeId("3"), vote(view=2))
    assert not leads(raft), "the old configuration has given one vote of three"
    raft.receive(ONE, vote(view=2))
    assert leads(raft)


def test_elections_are_counted_by_their_ends() -> None:
    raft = new_raft()
    raft.tick(TIMEOUT_MS)
    raft.tick(TIMEOUT_MS)
    counts = raft.state.elections
    assert (counts.won, counts.lost, counts.abandoned) == (0, 0, 1)
    raft.receive(ONE, vote(view=raft.view))
    assert leads(raft)
    assert (counts.won, counts.lost, counts.abandoned) == (1, 0, 1)
    raft = new_raft()
    raft.tick(TIMEOUT_MS)
    raft.receive(ONE, vote(view=raft.view + 1, is_granted=False))
    counts = raft.state.elections
    assert (counts.won, counts.lost, counts.abandoned) == (0, 1, 0)
