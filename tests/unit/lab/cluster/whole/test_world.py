"""Messages wait on links, and nodes that fail are no more."""

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.boundary.events import Boot
from tests.lab.cluster.whole.stage import Stage
from tests.lab.invariants.violated import Violated


def test_messages_wait_until_they_are_let_arrive(stage: Stage) -> None:
    world = stage.world
    link = NodeId("0"), NodeId("1")
    stage.do("tick 0 60")
    assert world.links[link]
    assert world.deliver(link, 10) > 0
    assert world.deliver(link, 10) == 0


def test_what_is_lost_never_arrives(stage: Stage) -> None:
    link = NodeId("0"), NodeId("1")
    stage.world.faults.lost.add(link)
    stage.do("tick 0 60")
    assert not stage.world.links[link]


def test_nodes_are_found_by_name_and_id(stage: Stage) -> None:
    world = stage.world
    node = world.node("1")
    assert node is not None
    assert world.by_id(node.id) is node
    assert world.node("8") is None
    assert world.by_id(NodeId("00")) is None
    assert world.leaders == [world.nodes[0]]


def test_a_node_that_stops_is_no_more(stage: Stage) -> None:
    node = stage.world.nodes[1]
    stage.world.step(node, node.boot)
    assert isinstance(node.boot, Boot)
    assert not node.is_alive
    assert "boot" in node.end


def test_an_error_within_a_step_is_a_violation(stage: Stage) -> None:
    node = stage.world.nodes[1]
    node.running.timer = None  # type: ignore[assignment]  # broken on purpose
    with pytest.raises(Violated, match="StepEnds"):
        stage.do("pass 100")
