"""Messages are CCF's bytes, and nothing else is a message."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import VIEW_MAX, TxId
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
    header_bytes,
)
from tests.attacks import attack

U64 = st.integers(0, 2**64 - 1)
VIEWS = st.integers(0, VIEWS_MAX)
TX_IDS = st.builds(TxId, VIEWS, U64)
ELECTIONS = st.sampled_from(ElectionType)
APPENDS = st.builds(
    AppendEntries, view=VIEWS, previous=TX_IDS, last=TX_IDS, leader_commit=U64
).filter(
    lambda message: (
        not message.has_entries
        or max(message.previous.view, 1) <= message.last.view <= message.view
    )
)
MESSAGES = st.one_of(
    APPENDS,
    st.builds(AppendEntriesResponse, position=TX_IDS, is_success=st.booleans()),
    st.builds(RequestVote, view=VIEWS, last=TX_IDS, election=ELECTIONS),
    st.builds(
        RequestVoteResponse, view=VIEWS, is_granted=st.booleans(), election=ELECTIONS
    ),
    st.builds(ProposeRequestVote, view=VIEWS),
)


def _u64s(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


EXAMPLES: list[tuple[Message, bytes]] = [
    (
        AppendEntries(view=3, previous=TxId(1, 2), last=TxId(3, 4), leader_commit=5),
        _u64s(0, 4, 2, 3, 1, 5, 3) + b"\0",
    ),
    (
        AppendEntriesResponse(position=TxId(2, 7), is_success=True),
        _u64s(1, 2, 7) + b"\0",
    ),
    (
        AppendEntriesResponse(position=TxId(2, 7), is_success=False),
        _u64s(1, 2, 7) + b"\1",
    ),
    (
        RequestVote(view=4, last=TxId(2, 9), election=ElectionType.REGULAR),
        _u64s(3, 4, 9, 2) + b"\1\0\0\0",
    ),
    (
        RequestVoteResponse(view=4, is_granted=True, election=ElectionType.PRE_VOTE),
        _u64s(4, 4) + b"\1\0\0\0\0",
    ),
    (ProposeRequestVote(view=6), _u64s(5, 6)),
]


@pytest.mark.parametrize(("message", "data"), EXAMPLES)
def test_each_message_has_its_fields_in_its_places(
    message: Message, data: bytes
) -> None:
    assert message.encode() == data
    assert decode(data) == message


@given(MESSAGES)
def test_what_is_encoded_is_read_back(message: Message) -> None:
    assert decode(message.encode()) == message


@given(MESSAGES, st.integers(1, 8))
def test_a_message_of_another_length_is_refused(message: Message, count: int) -> None:
    data = message.encode()
    with pytest.raises(Malformed):
        decode(data[:-count])
    with pytest.raises(Malformed):
        decode(data + bytes(count))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        _u64s(2, 0, 0) + b"\0",
        _u64s(6, 0),
        _u64s(1, 2, 7) + b"\2",
        _u64s(3, 4, 9, 2) + b"\2\0\0\0",
        _u64s(4, 4) + b"\2\0\0\0\0",
        _u64s(4, 4) + b"\1\7\0\0\0",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@given(MESSAGES, st.binary(max_size=99))
def test_a_message_says_itself_how_long_it_is(message: Message, entries: bytes) -> None:
    data = message.encode()
    assert header_bytes(data + entries) == len(data)


@pytest.mark.parametrize("data", [b"", bytes(7), _u64s(2), _u64s(6), _u64s(2**63)])
def test_what_is_no_message_has_no_length(data: bytes) -> None:
    with pytest.raises(Malformed, match="not a consensus message"):
        header_bytes(data)


OF_VIEW: dict[str, Callable[[int], Message]] = {
    "append": lambda view: AppendEntries(
        view=view, previous=TxId(1, 2), last=TxId(1, 2), leader_commit=1
    ),
    "append after": lambda view: AppendEntries(
        view=view, previous=TxId(view, 2), last=TxId(3, 2), leader_commit=1
    ),
    "append of": lambda view: AppendEntries(
        view=view, previous=TxId(1, 2), last=TxId(view, 3), leader_commit=1
    ),
    "answer": lambda view: AppendEntriesResponse(
        position=TxId(view, 7), is_success=False
    ),
    "plea": lambda view: RequestVote(
        view=view, last=TxId(2, 9), election=ElectionType.REGULAR
    ),
    "plea after": lambda view: RequestVote(
        view=3, last=TxId(view, 9), election=ElectionType.PRE_VOTE
    ),
    "vote": lambda view: RequestVoteResponse(
        view=view, is_granted=False, election=ElectionType.REGULAR
    ),
    "hint": lambda view: ProposeRequestVote(view=view),
}


@attack("nonce: a view beyond the IV from another node")
@pytest.mark.parametrize("name", OF_VIEW)
def test_a_view_beyond_the_iv_from_another_node(name: str) -> None:
    """Whoever took it up would have to write in it, or a later one."""
    make = OF_VIEW[name]
    assert decode(make(VIEWS_MAX).encode()) == make(VIEWS_MAX)
    for view in (VIEWS_MAX + 1, VIEW_MAX + 1, 2**40, 2**64 - 1):
        with pytest.raises(Malformed, match=f"a view of {view}"):
            decode(make(view).encode())
