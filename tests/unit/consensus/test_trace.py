"""Tracing is optional and changes nothing."""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import Settings
from ccfpy.consensus.trace import TraceStep, untraced
from tests.unit.consensus.nodes import SIGNATURE


def test_an_untraced_step_is_seen_by_nobody() -> None:
    untraced(TraceStep.COMMIT, args={"idx": 1})


def test_a_tracer_sees_each_step_in_order() -> None:
    seen: list[TraceStep] = []

    def see(step: TraceStep, /, **_: object) -> None:
        seen.append(step)

    raft = Raft(NodeId("0"), Settings(), jitter=lambda _: 0, tracer=see)
    raft.begin()
    raft.append(SIGNATURE)
    assert seen == [TraceStep.BECOME_LEADER, TraceStep.REPLICATE]
