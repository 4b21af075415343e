"""A node checks the messages of its peers: whatever they send, it continues."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.limits import VIEWS_MAX
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
    decode,
)
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.roles import LeadershipState, RetirementPhase
from tests.attacks import attack
from tests.unit.consensus.nodes import (
    SIGNATURE,
    TIMEOUT_MS,
    entries,
    new_leader,
    new_raft,
    take,
)

SEQNO_MAX = 2**64 - 1
SEQNOS = st.one_of(st.integers(0, 6), st.sampled_from([2**32, SEQNO_MAX]))
VIEWS = st.one_of(st.integers(0, 4), st.sampled_from([VIEWS_MAX - 1, VIEWS_MAX]))
PLACES = st.builds(TxId, VIEWS, SEQNOS)
NODES = st.frozensets(st.sampled_from([NodeId(n) for n in "0129"]), max_size=4)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        AppendEntries, view=VIEWS, previous=PLACES, last=PLACES, leader_commit=SEQNOS
    ),
    st.builds(AppendEntriesResponse, position=PLACES, is_success=st.booleans()),
    st.builds(
        RequestVote, view=VIEWS, last=PLACES, election=st.sampled_from(ElectionType)
    ),
    st.builds(
        RequestVoteResponse,
        view=VIEWS,
        is_granted=st.booleans(),
        election=st.sampled_from(ElectionType),
    ),
    st.builds(ProposeRequestVote, view=VIEWS),
)
ENTRIES = st.builds(
    EntryFacts,
    size=st.integers(0, 2**40),
    is_committable=st.booleans(),
    trusted=NODES,
    retired=NODES,
    retired_committed=NODES,
)
SENDERS = st.sampled_from([NodeId(n) for n in "129"])
STEPS = st.lists(
    st.one_of(
        st.tuples(SENDERS, MESSAGES, st.lists(ENTRIES, max_size=6)),
        st.integers(0, 2 * TIMEOUT_MS),
    ),
    max_size=12,
)


def hear(
    raft: Raft, sender: NodeId, message: Message, taken: Sequence[EntryFacts]
) -> None:
    """Pass a node a message as it arrives, with the facts of its entries."""
    try:
        message = decode(message.encode())
    except Malformed:
        return
    ready = raft.receive(sender, message)
    if ready.offer is not None:
        raft.accept(taken[: ready.offer.entry_count])


@pytest.mark.slow
@attack("channel: consensus with values that no honest node sends")
@pytest.mark.parametrize("is_leader", [False, True])
@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_a_node_goes_on_whatever_its_peers_say(
    *,
    is_leader: bool,
    steps: list[tuple[NodeId, Message, list[EntryFacts]] | int],
) -> None:
    raft = new_leader() if is_leader else new_raft()
    for step in steps:
        before = raft.log.commit_seqno
        if isinstance(step, int):
            raft.tick(step)
            raft.flush()
        else:
            hear(raft, *step)
        log = raft.log
        assert before <= log.commit_seqno <= log.last_seqno
        assert raft.view <= VIEWS_MAX
        assert log.history.latest <= raft.view


def test_a_record_of_a_retirement_nobody_saw_ends_this_node_s_part() -> None:
    """It may have begun with a snapshot of a state in which it had left already."""
    raft = new_raft()
    record = EntryFacts(size=1, retired_committed=frozenset({NodeId("0")}))
    take(
        raft, entries(view=1, after=(0, 0), last=(1, 2), commit=2), [record, SIGNATURE]
    )
    assert raft.state.leadership is LeadershipState.NONE
    assert raft.state.retirement.phase is RetirementPhase.RETIRED_COMMITTED


def test_a_node_that_left_and_is_named_again_has_left_all_the_same() -> None:
    raft = new_raft()
    me = frozenset({NodeId("0")})
    taken = [
        EntryFacts(size=1, retired=me),
        SIGNATURE,
        EntryFacts(size=1, trusted=me),
        EntryFacts(size=1, retired=me),
        SIGNATURE,
    ]
    take(raft, entries(view=1, after=(0, 0), last=(1, 5), commit=5), taken)
    assert raft.state.retirement.phase is RetirementPhase.COMPLETED
    assert raft.state.retirement.ordered_at == 1


@pytest.mark.parametrize(
    ("view", "previous", "last"),
    [
        (3, TxId(2, 4), TxId(1, 5)),
        (3, TxId(2, 4), TxId(4, 5)),
        (3, TxId(2, 4), TxId(0, 5)),
    ],
)
def test_entries_are_of_a_view_between_the_one_before_them_and_the_leader_s(
    view: int, previous: TxId, last: TxId
) -> None:
    message = AppendEntries(view=view, previous=previous, last=last, leader_commit=0)
    with pytest.raises(Malformed, match="entries of view"):
        decode(message.encode())


def test_a_node_campaigns_up_to_the_last_view_and_not_beyond() -> None:
    raft = new_raft()
    hear(raft, NodeId("1"), ProposeRequestVote(view=VIEWS_MAX + 1), [])
    vote = RequestVote(
        view=VIEWS_MAX - 1, last=TxId(0, 0), election=ElectionType.REGULAR
    )
    hear(raft, NodeId("1"), vote, [])
    assert raft.view == VIEWS_MAX - 1
    raft.tick(2 * TIMEOUT_MS)
    assert raft.view == VIEWS_MAX
    raft.tick(2 * TIMEOUT_MS)
    assert raft.view == VIEWS_MAX
