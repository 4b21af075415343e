"""The steps of the protocol, named as CCF's traces name them.

A tracer sees each step as it is taken; nothing depends on it. The names are those that
CCF's own trace validation reads (``tla/consensus/Traceccfraft.tla``).
"""

from enum import StrEnum
from typing import Protocol


class TraceStep(StrEnum):
    """One kind of step."""

    BECOME_LEADER = "become_leader"
    BECOME_FOLLOWER = "become_follower"
    BECOME_CANDIDATE = "become_candidate"
    BECOME_PRE_VOTE_CANDIDATE = "become_pre_vote_candidate"
    REPLICATE = "replicate"
    COMMIT = "commit"
    ADD_CONFIGURATION = "add_configuration"
    SEND_APPEND_ENTRIES = "send_append_entries"
    RECV_APPEND_ENTRIES = "recv_append_entries"
    EXECUTE_APPEND_ENTRIES = "execute_append_entries_sync"
    SEND_APPEND_ENTRIES_RESPONSE = "send_append_entries_response"
    RECV_APPEND_ENTRIES_RESPONSE = "recv_append_entries_response"
    SEND_REQUEST_VOTE = "send_request_vote"
    RECV_REQUEST_VOTE = "recv_request_vote"
    RECV_REQUEST_VOTE_RESPONSE = "recv_request_vote_response"
    RECV_PROPOSE_REQUEST_VOTE = "recv_propose_request_vote"


class Tracer(Protocol):
    """A function that is called with each step."""

    def __call__(self, step: TraceStep, /, **details: object) -> None:
        """See one step: before its effect, or for ``become_…`` after it."""
        ...


def untraced(step: TraceStep, /, **details: object) -> None:
    """See nothing."""
