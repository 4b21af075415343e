"""Converts a trace to the form that CCF's specification reads.

This is what ``tests/raft_scenarios_runner.py`` does to the traces of its driver
(``preprocess_for_trace_validation``): the specification takes a reconfiguration for one
step, and the first node's first steps for its initial state. A real node also follows
before it has heard of anybody; the specification has it follow with its first message.
"""

from collections.abc import Sequence

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.consensus.trace import TraceStep
from tests.lab.raft_trace.checking import DROPPED
from tests.lab.raft_trace.reading import (
    function_of,
    message_of,
    node_of,
    state_of,
)

_ENTRY = (TraceStep.REPLICATE, TraceStep.EXECUTE_APPEND_ENTRIES)
_BEGINNING = (
    TraceStep.BECOME_LEADER,
    TraceStep.ADD_CONFIGURATION,
    TraceStep.REPLICATE,
    TraceStep.COMMIT,
)
"""The first node's first steps, once the entry before a configuration is left out."""
RECORD = "cleanup_nodes"
"""What the specification takes a record of completed retirements for."""


def prepare(steps: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the steps that the specification reads.

    Raises:
        VerificationFailed: it does not begin with a new service, or a configuration
            comes without its entry.
    """
    last: dict[str, int] = {}
    left_out: set[int] = set()
    for index, step in enumerate(steps):
        node = node_of(step)
        if node not in last and function_of(step) == TraceStep.BECOME_FOLLOWER:
            left_out.add(index)
            continue
        if function_of(step) == TraceStep.ADD_CONFIGURATION:
            entry = last.get(node)
            if entry is None or function_of(steps[entry]) not in _ENTRY:
                raise VerificationFailed(f"node {node} has a configuration of no entry")
            left_out.add(entry)
        last[node] = index
    kept = [
        _told(_lost_if_ignored(step))
        for index, step in enumerate(steps)
        if index not in left_out
    ]
    first = node_of(kept[0]) if kept else ""
    begun = [step for step in kept if node_of(step) == first][: len(_BEGINNING)]
    if tuple(map(function_of, begun)) != _BEGINNING:
        raise VerificationFailed(
            "the trace does not begin with a new service: it needs the whole log of "
            "the first node, and nodes that joined without a snapshot"
        )
    begin = begun[-1] | {"msg": message_of(begun[-1]) | {"function": "bootstrap"}}
    return [begin, *(step for step in kept if step not in begun)]


def _lost_if_ignored(step: JsonObject) -> JsonObject:
    """Return a message as lost where its receiver ignored it.

    Entries from before the commit are old news, and not answered; votes of an earlier
    view count no more. CCF ignores both too; its specification takes neither. Where a
    heartbeat from before the commit was answered, it does not take the answer.
    """
    message, state = message_of(step), state_of(step)
    packet, view = message.get("packet"), state.get("current_view")
    if not isinstance(packet, dict):
        return step
    match function_of(step):
        case TraceStep.RECV_APPEND_ENTRIES:
            is_ignored = packet.get("term") == view and _is_less(
                packet.get("prev_idx"), state.get("commit_idx")
            )
        case TraceStep.RECV_REQUEST_VOTE_RESPONSE:
            is_ignored = _is_less(packet.get("term"), view)
        case _:
            is_ignored = False
    if not is_ignored:
        return step
    lost = {"function": DROPPED, "to_node_id": state.get("node_id")}
    return step | {"msg": message | lost}


def _is_less(first: Json, second: Json) -> bool:
    assert isinstance(first, int), "a checked trace has numbers"
    assert isinstance(second, int), "a checked trace has numbers"
    return first < second


def _told(step: JsonObject) -> JsonObject:
    is_record = bool(message_of(step).get("retired_committed"))
    command = RECORD if is_record else str(step.get("cmd", ""))
    return step | {"cmd": command, "cmd_prefix": command.partition(",")[0]}
