"""Judges a trace: its words, and what must hold of any trace whatever its form is for.

This is no replacement for CCF's specification, which TLC runs. It finds a trace that is
cut off, out of order or of another form, without Java.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.consensus.trace import TraceStep
from tests.lab.raft_trace.reading import (
    function_of,
    message_of,
    node_of,
    state_of,
)

DROPPED = "drop_pending_to"
FUNCTIONS = frozenset({*map(str, TraceStep), DROPPED})
STATE = frozenset(
    {
        "node_id",
        "current_view",
        "last_idx",
        "commit_idx",
        "leadership_state",
        "membership_state",
        "pre_vote_enabled",
        "committable_indices",
    }
)
_SENT = frozenset({"packet", "to_node_id"})
_RECEIVED = frozenset({"packet", "from_node_id"})
_INDICES = frozenset({"match_idx", "sent_idx"})
FIELDS = {
    TraceStep.REPLICATE: frozenset({"view", "seqno", "globally_committable"}),
    TraceStep.COMMIT: frozenset({"args", "configurations"}),
    TraceStep.ADD_CONFIGURATION: frozenset({"args", "configurations"}),
    TraceStep.BECOME_LEADER: frozenset({"configurations"}),
    TraceStep.BECOME_FOLLOWER: frozenset({"configurations"}),
    TraceStep.BECOME_CANDIDATE: frozenset({"configurations"}),
    TraceStep.BECOME_PRE_VOTE_CANDIDATE: frozenset({"configurations"}),
    TraceStep.EXECUTE_APPEND_ENTRIES: frozenset({"from_node_id"}),
    TraceStep.SEND_APPEND_ENTRIES: _SENT | _INDICES,
    TraceStep.RECV_APPEND_ENTRIES: _RECEIVED,
    TraceStep.SEND_APPEND_ENTRIES_RESPONSE: _SENT,
    TraceStep.RECV_APPEND_ENTRIES_RESPONSE: _RECEIVED | _INDICES,
    TraceStep.SEND_REQUEST_VOTE: _SENT,
    TraceStep.RECV_REQUEST_VOTE: _RECEIVED,
    TraceStep.RECV_REQUEST_VOTE_RESPONSE: _RECEIVED,
    TraceStep.RECV_PROPOSE_REQUEST_VOTE: _RECEIVED,
    DROPPED: _RECEIVED | _SENT,
}
"""What a step says beside the node's state."""

_Link = tuple[Json, Json]


@dataclass(slots=True)
class _Known:
    """What is known of the nodes so far."""

    views: dict[str, int] = field(default_factory=dict)
    commits: dict[str, int] = field(default_factory=dict)
    leaders: dict[int, str] = field(default_factory=dict)
    links: dict[_Link, deque[Json]] = field(default_factory=dict)


def check_trace(steps: Iterable[JsonObject]) -> int:
    """Check a trace in which causes come first; return how many steps it has.

    Raises:
        VerificationFailed: a step is of another form, a node goes back, two nodes lead
            one view, or a message is received that was not sent.
    """
    known = _Known()
    count = 0
    for count, step in enumerate(steps, start=1):
        try:
            _check_form(step)
            _check_node(step, known)
            _check_network(step, known)
        except VerificationFailed as error:
            raise VerificationFailed(f"step {count}: {error}") from error
    return count


def _check_form(step: JsonObject) -> None:
    function, message, state = function_of(step), message_of(step), state_of(step)
    if function not in FUNCTIONS:
        raise VerificationFailed(f"no step is called {function!r}")
    missing = [*(STATE - state.keys()), *(FIELDS[function] - message.keys())]
    if missing:
        raise VerificationFailed(f"{function} lacks {', '.join(sorted(missing))}")


def _check_node(step: JsonObject, known: _Known) -> None:
    if function_of(step) == DROPPED:  # its state is that of when the message was sent
        return
    node, state = node_of(step), state_of(step)
    for name, memory in (("current_view", known.views), ("commit_idx", known.commits)):
        now, before = _number(state, name), memory.get(node, 0)
        if now < before:
            raise VerificationFailed(f"node {node} had {name} {before}, and has {now}")
        memory[node] = now
    if _number(state, "commit_idx") > _number(state, "last_idx"):
        raise VerificationFailed(f"node {node} committed what it does not have")
    if function_of(step) == TraceStep.BECOME_LEADER:
        view = _number(state, "current_view")
        leader = known.leaders.setdefault(view, node)
        if leader != node:
            raise VerificationFailed(f"nodes {leader} and {node} lead view {view}")


def _check_network(step: JsonObject, known: _Known) -> None:
    function, message = function_of(step), message_of(step)
    if function.startswith("send_"):
        link: _Link = (node_of(step), message.get("to_node_id"))
        known.links.setdefault(link, deque()).append(message.get("packet"))
        return
    if function == DROPPED:
        link = (message.get("from_node_id"), message.get("to_node_id"))
    elif function.startswith("recv_"):
        link = (message.get("from_node_id"), node_of(step))
    else:
        return
    packet = message.get("packet")
    if not isinstance(packet, dict) or packet.get("msg") in _UNSEEN:
        return
    waiting = known.links.get(link)
    if not waiting or waiting.popleft() != packet:
        raise VerificationFailed(
            f"{function} of what is not the oldest message from {link[0]} to {link[1]}"
        )


_UNSEEN = frozenset({"raft_request_vote_response", "raft_propose_request_vote"})
"""Messages that are sent without a step."""


def _number(state: JsonObject, name: str) -> int:
    value = state[name]
    if not isinstance(value, int):
        raise VerificationFailed(f"{name} is no number: {value!r}")
    return value
