"""Connections of nodes stall, break and go on."""

from ccfpy.base.ids import SessionId
from tests.lab.cluster.whole.stage import Stage


def test_a_connection_stalls_while_a_way_is_shut(new_stage: Stage) -> None:
    for line in ("faults lost:1>0", "join 0", "pass 400"):
        new_stage.do(line)
    assert not new_stage.world.nodes[1].has_joined
    new_stage.do("faults")
    new_stage.do("pass 400")
    assert new_stage.world.nodes[1].has_joined


def test_nobody_answers_for_a_node_that_is_gone(stage: Stage) -> None:
    stage.do("crash 2 kill 0")
    stage.do("join 2")
    stage.do("pass 100")
    logs = [log.message for log in stage.world.nodes[3].logs]
    assert any("connection refused" in message for message in logs)


def test_connections_end_with_their_node(stage: Stage) -> None:
    stage.do("join 1")
    streams = stage.world.streams
    streams._carry(*streams._said.popleft())
    assert streams.has(stage.world.nodes[1], SessionId(stage.world.nodes[1].sessions))
    stage.world.end(stage.world.nodes[1], "gone")
    stage.do("pass 20")
    logs = [log.message for log in stage.world.nodes[3].logs]
    assert any("connection reset" in message for message in logs)
