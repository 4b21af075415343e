"""A node logs the steps of consensus if it is asked to, and then nothing private."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base.json import loads_object
from ccfpy.boundary.effects import LogTag, WriteLog
from ccfpy.consensus.trace import untraced
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.replication import tracer_of
from ccfpy.testing.node import InProcessNode
from tests.lab.raft_trace.checking import FUNCTIONS, STATE
from tests.unit.consensus.nodes import new_leader


def test_a_tracer_that_nobody_asked_for_is_none() -> None:
    raft = new_leader()
    assert tracer_of(Outbox(), lambda: raft.state, is_on=False) is untraced
    assert not raft.state.is_traced


@pytest.mark.parametrize("is_on", [False, True])
def test_a_node_logs_each_step_where_its_configuration_says_so(
    make_node: Callable[[], InProcessNode], *, is_on: bool
) -> None:
    node = make_node()
    configuration = node.boot.configuration
    consensus = replace(configuration.consensus, trace=is_on)
    effects = node.twin().step(
        [replace(node.boot, configuration=replace(configuration, consensus=consensus))]
    )
    steps = [
        loads_object(effect.message)
        for effect in effects
        if isinstance(effect, WriteLog) and effect.tag is LogTag.RAFT_TRACE
    ]
    assert bool(steps) is is_on
    for step in steps:
        assert step["function"] in FUNCTIONS
        state = step["state"]
        assert isinstance(state, dict)
        assert state.keys() >= STATE
    if is_on:
        assert [step["function"] for step in steps][:4] == [
            "become_leader",
            "replicate",
            "add_configuration",
            "replicate",
        ]
