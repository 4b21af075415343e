"""Steps of the protocol as JSON, in the form that CCF's trace validation reads.

``RAFT_TRACE_JSON_OUT`` (``src/consensus/aft/raft.h``) writes that form, and
``tla/consensus/Traceccfraft.tla`` reads it. An event names nodes, views and seqnos, and
nothing else that the ledger holds.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

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
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.trace import TraceStep

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject

_ELECTIONS = {ElectionType.PRE_VOTE: "PreVote", ElectionType.REGULAR: "RegularVote"}
_WITH_CONFIGURATIONS = frozenset(
    {
        TraceStep.COMMIT,
        TraceStep.ADD_CONFIGURATION,
        TraceStep.BECOME_LEADER,
        TraceStep.BECOME_FOLLOWER,
        TraceStep.BECOME_CANDIDATE,
        TraceStep.BECOME_PRE_VOTE_CANDIDATE,
    }
)


def event(
    state: RaftState, step: TraceStep, details: Mapping[str, object]
) -> "JsonObject":
    """Return one step of a node: what it is, where the node stands, and the details."""
    told: JsonObject = {"function": step.value, "state": describe_state(state)}
    if step in _WITH_CONFIGURATIONS:
        told["configurations"] = [
            describe_configuration(configuration)
            for configuration in state.configurations
        ]
    return told | {name: _plain(value) for name, value in details.items()}


def describe_state(state: RaftState) -> "JsonObject":
    """Return where a node stands; of its signatures, the first and the last."""
    log, retirement = state.log, state.retirement
    committables = log.committables
    told: JsonObject = {
        "node_id": state.node_id,
        "current_view": state.view,
        "last_idx": log.last_seqno,
        "commit_idx": log.commit_seqno,
        "leadership_state": state.leadership.value,
        "membership_state": retirement.membership.value,
        "pre_vote_enabled": state.settings.is_pre_vote_enabled,
        "committable_indices": [*sorted({*committables[:1], *committables[-1:]})],
    }
    optional: JsonObject = {
        "retirement_phase": retirement.phase,
        "retirement_idx": retirement.ordered_at,
        "retirement_committable_idx": retirement.signed_at,
        "retired_committed_idx": retirement.committed_at,
    }
    return told | {name: value for name, value in optional.items() if value is not None}


def packet(message: Message) -> "JsonObject":
    """Return a message's fields with CCF's names."""
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
        case _:
            assert_never(message)


def _plain(value: object) -> "Json":
    if isinstance(value, Configuration):
        return describe_configuration(value)
    if isinstance(value, Message):
        return packet(value)
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | str):
        return value
    raise TypeError(f"no part of a trace: {type(value).__name__}")
