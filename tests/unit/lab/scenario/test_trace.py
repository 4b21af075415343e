"""Traces have the form that CCF's trace validation reads."""

import json

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
from tests.lab.scenario import run
from tests.lab.scenario.trace import summary

STORY = """
pre_vote_enabled,true
start_node,0
emit_signature,2
trust_nodes,2,1,2
loop_until_sync
swap_nodes,2,out,0
emit_signature,2
periodic_one,0,10
dispatch_all
drop_pending_to,0,1
periodic_one,0,10
drop_pending,0
periodic_one,0,10
dispatch_all
cleanup_nodes,2,0
loop_until_sync
dispatch_all
assert_detail,1,leadership_state,Leader
"""

MESSAGES: list[tuple[Message, str]] = [
    (
        AppendEntries(view=3, previous=TxId(2, 4), last=TxId(3, 5), leader_commit=4),
        "AE(t3, (2.4, 3.5])",
    ),
    (AppendEntriesResponse(position=TxId(3, 5), is_success=False), "AER(NACK, t3, i5)"),
    (AppendEntriesResponse(position=TxId(3, 5), is_success=True), "AER(ACK, t3, i5)"),
    (RequestVote(view=3, last=TxId(2, 4), election=ElectionType.PRE_VOTE), "RV"),
    (
        RequestVoteResponse(view=3, is_granted=True, election=ElectionType.REGULAR),
        "RVR",
    ),
    (ProposeRequestVote(view=3), "PRV"),
]


@pytest.mark.parametrize(("message", "short"), MESSAGES)
def test_messages_are_told_in_a_few_characters(message: Message, short: str) -> None:
    assert summary(message) == short


def _events() -> list[dict[str, object]]:
    lines: list[str] = []
    run(STORY, trace=lines.append)
    return [event for line in lines if "msg" in (event := json.loads(line))]


def test_events_are_numbered_and_have_the_node_s_state() -> None:
    events = _events()
    clocks = [int(str(event["h_ts"])) for event in events]
    assert clocks == list(range(1, len(events) + 1))
    for event in events:
        message = event["msg"]
        assert isinstance(message, dict)
        assert message["state"]["node_id"] in {"0", "1", "2"}
        assert len(message["state"]["committable_indices"]) <= 2


def test_the_story_of_a_retirement_has_its_steps() -> None:
    functions = {
        message["function"]
        for event in _events()
        if isinstance(message := event["msg"], dict)
    }
    assert functions >= {
        "become_leader",
        "replicate",
        "add_configuration",
        "commit",
        "send_append_entries",
        "recv_append_entries",
        "execute_append_entries_sync",
        "send_append_entries_response",
        "recv_append_entries_response",
        "send_request_vote",
        "recv_request_vote",
        "recv_request_vote_response",
        "recv_propose_request_vote",
        "become_candidate",
        "become_follower",
        "drop_pending_to",
    }


def test_a_reconfiguration_comes_with_its_nodes() -> None:
    added = [
        message
        for event in _events()
        if isinstance(message := event["msg"], dict)
        and message["function"] == "add_configuration"
    ]
    assert added[0]["args"]["configuration"] == {
        "idx": 1,
        "nodes": {"0": {"address": ":"}},
        "rid": 1,
    }
