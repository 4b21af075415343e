"""The protocol's steps in the form that CCF's trace validation reads."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.details import describe_configuration
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.trace import Step, Tracer

Say: TypeAlias = Callable[[str], None]
"""Writes one line."""

_ELECTIONS = {ElectionType.PRE_VOTE: "PreVote", ElectionType.REGULAR: "RegularVote"}
_WITH_CONFIGURATIONS = frozenset(
    {
        Step.COMMIT,
        Step.ADD_CONFIGURATION,
        Step.BECOME_LEADER,
        Step.BECOME_FOLLOWER,
        Step.BECOME_CANDIDATE,
        Step.BECOME_PRE_VOTE_CANDIDATE,
    }
)


class Trace:
    """Writes events as lines of JSON, numbered by a clock that all nodes share."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._clock = 0

    def command(self, line: str) -> None:
        """Note that a command of the scenario begins."""
        self._say(json.dumps({"tag": "raft_trace", "cmd": line}))

    def step(self, replica: Replica, step: Step, /, **details: object) -> None:
        """Write one step of a node."""
        message: dict[str, object] = {
            "function": step.value,
            "state": _state(replica),
        }
        if step in _WITH_CONFIGURATIONS:
            message["configurations"] = [
                describe_configuration(c) for c in replica.configurations
            ]
        self._event(message | {k: _plain(v) for k, v in details.items()})

    def dropped(self, replica: Replica, to: str, message: Message) -> None:
        """Write that a message was lost."""
        self._event(
            {
                "function": "drop_pending_to",
                "from_node_id": replica.node_id,
                "to_node_id": to,
                "state": _state(replica),
                "packet": packet(message),
            }
        )

    def _event(self, message: Mapping[str, object]) -> None:
        self._clock += 1
        event = {
            "h_ts": str(self._clock),
            "thread_id": "0",
            "level": "debug",
            "tag": "raft_trace",
            "file": "raft.py",
            "number": "0",
            "msg": message,
        }
        self._say(json.dumps(event))


def packet(message: Message) -> dict[str, object]:
    """Give a message's fields with CCF's names."""
    match message:
        case AppendEntries():
            return {
                "msg": "raft_append_entries",
                "idx": message.last.seqno,
                "prev_idx": message.previous.seqno,
                "term": message.view,
                "prev_term": message.previous.view,
                "leader_commit_idx": message.leader_commit,
                "term_of_idx": message.last.view,
                "contains_new_view": False,
            }
        case AppendEntriesResponse():
            return {
                "msg": "raft_append_entries_response",
                "term": message.position.view,
                "last_log_idx": message.position.seqno,
                "success": "OK" if message.is_success else "FAIL",
            }
        case RequestVote():
            return {
                "msg": "raft_request_vote",
                "term": message.view,
                "last_committable_idx": message.last.seqno,
                "term_of_last_committable_idx": message.last.view,
                "election_type": _ELECTIONS[message.election],
            }
        case RequestVoteResponse():
            return {
                "msg": "raft_request_vote_response",
                "term": message.view,
                "vote_granted": message.is_granted,
                "election_type": _ELECTIONS[message.election],
            }
        case ProposeRequestVote():
            return {"msg": "raft_propose_request_vote", "term": message.view}


def summary(message: Message) -> str:
    """Tell a message in a few characters, for people."""
    match message:
        case AppendEntries():
            return f"AE(t{message.view}, ({message.previous}, {message.last}])"
        case AppendEntriesResponse():
            answer = "ACK" if message.is_success else "NACK"
            view, seqno = message.position
            return f"AER({answer}, t{view}, i{seqno})"
        case RequestVote():
            return "RV"
        case RequestVoteResponse():
            return "RVR"
        case ProposeRequestVote():
            return "PRV"


def _state(replica: Replica) -> dict[str, object]:
    log, retirement = replica.log, replica.retirement
    committables = log.committables
    state: dict[str, object] = {
        "node_id": replica.node_id,
        "current_view": replica.view,
        "last_idx": log.last_seqno,
        "commit_idx": log.commit_seqno,
        "leadership_state": replica.leadership.value,
        "membership_state": retirement.membership.value,
        "pre_vote_enabled": replica.settings.is_pre_vote_enabled,
        "committable_indices": sorted({*committables[:1], *committables[-1:]}),
    }
    optional = {
        "retirement_phase": retirement.phase,
        "retirement_idx": retirement.ordered_at,
        "retirement_committable_idx": retirement.signed_at,
        "retired_committed_idx": retirement.committed_at,
    }
    return state | {k: v for k, v in optional.items() if v is not None}


def _plain(value: object) -> object:
    if isinstance(value, Configuration):
        return describe_configuration(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Message):
        return packet(value)
    return value


def tracer(trace: Trace, replica: Callable[[], Replica]) -> Tracer:
    """Give the tracer of one node, which exists by the time it takes a step."""

    def see(step: Step, /, **details: object) -> None:
        trace.step(replica(), step, **details)

    return see
