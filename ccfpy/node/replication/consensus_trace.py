"""Consensus' steps as log lines, where the configuration asks for them.

Each is one line tagged ``raft_trace``, as a CCF that is built with ``CCF_RAFT_TRACING``
writes. It names nodes, views and seqnos, and nothing private. Nothing is made, and
nothing costs anything, unless ``consensus.trace`` is on.
"""

from collections.abc import Callable

from ccfpy.base.json import dumps
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.trace import Tracer, TraceStep, untraced
from ccfpy.consensus.tracing import event
from ccfpy.node.outbox import Outbox


def tracer_of(outbox: Outbox, state: Callable[[], RaftState], *, is_on: bool) -> Tracer:
    """Return what sees each step of consensus.

    Args:
        outbox: where the lines go.
        state: the state of consensus, which exists by the time it takes a step.
        is_on: whether anybody wants to see the steps.
    """
    if not is_on:
        return untraced

    def see(step: TraceStep, /, **details: object) -> None:
        line = dumps(event(state(), step, details)).decode()
        outbox.log(LogLevel.INFO, line, tag=LogTag.RAFT_TRACE)

    return see
