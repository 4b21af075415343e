"""Writes appended by their size alone: as by `Raft.append`, whatever came before."""

from typing import Literal, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import NodeId
from ccfpy.base.limits import APPEND_ENTRIES_BYTES
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.trace import TraceStep
from tests.unit.consensus.nodes import (
    HEARTBEAT_MS,
    SIGNATURE,
    ack,
    ids,
    new_leader,
    new_raft,
)

Move: TypeAlias = tuple[
    Literal["write", "sign", "leave", "tick", "flush", "answer", "view"], int
]
moves = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "write", "sign", "leave", "tick", "flush", "answer", "view"]
        ),
        st.integers(0, 5),
    ),
    max_size=30,
)


def make(raft: Raft, move: Move, *, quickly: bool) -> object:
    """Make a move; return the requests to the node."""
    kind, number = move
    asked: object = None
    match kind:
        case "write":
            size = number * APPEND_ENTRIES_BYTES // 3
            if quickly:
                asked = raft.append_write(size)
            else:
                asked = raft.append(EntryFacts(size=size))
        case "sign":
            asked = raft.append(SIGNATURE)
        case "leave":
            asked = raft.append(EntryFacts(size=1, retired=ids("1" if number else "2")))
        case "tick":
            asked = raft.tick(HEARTBEAT_MS * number)
        case "flush":
            asked = raft.flush()
        case "answer":
            asked = raft.receive(NodeId("1"), ack(raft.view, number))
        case "view":
            raft.state.view += 1
    return asked


@given(moves, st.sampled_from(["0", "01", "012"]))
def test_both_ways_ask_and_remember_the_same(made: list[Move], nodes: str) -> None:
    voters = nodes.replace("0", "")
    plain, quick = (new_leader(nodes=nodes, voters=voters) for _ in range(2))
    for move in made:
        if not plain.is_leader:
            break
        asked = make(plain, move, quickly=False)
        assert make(quick, move, quickly=True) == asked
        assert _remembered(quick) == _remembered(plain)


def _remembered(raft: Raft) -> tuple[object, ...]:
    state, log = raft.state, raft.log
    return (
        raft.details(),
        state.peers,
        state.batch.entries,
        log.last_seqno,
        log.commit_seqno,
        log.committables,
        log.history.starts,
    )


def test_only_a_leader_appends() -> None:
    with pytest.raises(AssertionError, match="only a leader"):
        new_raft().append_write(1)


def test_a_tracer_sees_every_write() -> None:
    raft = new_leader()
    seen: list[TraceStep] = []

    def tracer(step: TraceStep, /, **_: object) -> None:
        seen.append(step)

    raft.state.tracer = tracer
    raft.append_write(1)
    assert seen == [TraceStep.REPLICATE]
