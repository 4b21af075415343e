"""The protocol's steps in the form that CCF's trace validation reads."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ccfpy.base.json import Json
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.trace import Tracer, TraceStep
from ccfpy.consensus.tracing import describe_state, event, packet

Say: TypeAlias = Callable[[str], None]
"""Writes one line."""


class Trace:
    """Writes events as lines of JSON, numbered by a clock that all nodes share."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._clock = 0

    def command(self, line: str) -> None:
        """Note that a command of the scenario begins."""
        self._say(json.dumps({"tag": "raft_trace", "cmd": line}))

    def step(self, state: RaftState, step: TraceStep, /, **details: object) -> None:
        """Write one step of a node."""
        self._event(event(state, step, details))

    def dropped(self, state: RaftState, to: str, message: Message) -> None:
        """Write that a message was lost."""
        self._event(
            {
                "function": "drop_pending_to",
                "from_node_id": state.node_id,
                "to_node_id": to,
                "state": describe_state(state),
                "packet": packet(message),
            }
        )

    def _event(self, message: Mapping[str, Json]) -> None:
        self._clock += 1
        line = {
            "h_ts": str(self._clock),
            "thread_id": "0",
            "level": "debug",
            "tag": "raft_trace",
            "file": "raft.py",
            "number": "0",
            "msg": message,
        }
        self._say(json.dumps(line))


def summary(message: Message) -> str:
    """Return a message in a few characters, for people."""
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


def tracer(trace: Trace, state: Callable[[], RaftState]) -> Tracer:
    """Return the tracer of one node, which exists by the time it takes a step."""

    def see(step: TraceStep, /, **details: object) -> None:
        trace.step(state(), step, **details)

    return see
