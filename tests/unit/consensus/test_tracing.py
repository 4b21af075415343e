"""Steps and messages have the form that CCF's trace validation reads."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.trace import TraceStep
from ccfpy.consensus.tracing import event, packet
from tests.unit.consensus.nodes import SIGNATURE, ids, new_leader

MESSAGES: list[tuple[Message, dict[str, object]]] = [
    (
        AppendEntries(view=3, previous=TxId(2, 4), last=TxId(3, 5), leader_commit=4),
        {
            "msg": "raft_append_entries",
            "idx": 5,
            "prev_idx": 4,
            "term": 3,
            "prev_term": 2,
            "leader_commit_idx": 4,
            "term_of_idx": 3,
            "contains_new_view": False,
        },
    ),
    (
        AppendEntriesResponse(position=TxId(3, 5), is_success=False),
        {
            "msg": "raft_append_entries_response",
            "term": 3,
            "last_log_idx": 5,
            "success": "FAIL",
        },
    ),
    (
        AppendEntriesResponse(position=TxId(3, 5), is_success=True),
        {
            "msg": "raft_append_entries_response",
            "term": 3,
            "last_log_idx": 5,
            "success": "OK",
        },
    ),
    (
        RequestVote(view=3, last=TxId(2, 4), election=ElectionType.PRE_VOTE),
        {
            "msg": "raft_request_vote",
            "term": 3,
            "last_committable_idx": 4,
            "term_of_last_committable_idx": 2,
            "election_type": "PreVote",
        },
    ),
    (
        RequestVoteResponse(view=3, is_granted=True, election=ElectionType.REGULAR),
        {
            "msg": "raft_request_vote_response",
            "term": 3,
            "vote_granted": True,
            "election_type": "RegularVote",
        },
    ),
    (
        ProposeRequestVote(view=3),
        {"msg": "raft_propose_request_vote", "term": 3},
    ),
]


@pytest.mark.parametrize(("message", "fields"), MESSAGES)
def test_messages_have_ccf_s_names(message: Message, fields: dict[str, object]) -> None:
    assert packet(message) == fields


def test_an_event_says_where_the_node_stands() -> None:
    raft = new_leader()
    raft.append(SIGNATURE)
    raft.append(EntryFacts(size=1, retired=ids("0")))
    raft.append(SIGNATURE)
    told = event(raft.state, TraceStep.COMMIT, {"args": {"idx": 1}})
    assert told["function"] == "commit"
    assert told["args"] == {"idx": 1}
    state = told["state"]
    assert isinstance(state, dict)
    assert state["node_id"] == "0"
    assert state["retirement_phase"] == "Signed"
    assert state["committable_indices"] == [1, 3]
    configurations = told["configurations"]
    assert isinstance(configurations, list)
    assert len(configurations) == 2
    assert "configurations" not in event(raft.state, TraceStep.REPLICATE, {})


def test_nothing_but_views_seqnos_and_nodes_is_part_of_an_event() -> None:
    raft = new_leader()
    with pytest.raises(TypeError, match="no part of a trace: bytes"):
        event(raft.state, TraceStep.REPLICATE, {"data": b"secret"})
