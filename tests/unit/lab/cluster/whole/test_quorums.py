"""A run leaves its service what it needs to go on."""

import pytest

from tests.lab.cluster.whole import quorums
from tests.lab.cluster.whole.stage import Stage


def test_a_majority_stays(stage: Stage) -> None:
    world = stage.world
    one, two, three = world.nodes
    assert quorums.can_go_on(world)
    assert quorums.may_crash(world, one)
    world.end(one, "gone")
    assert quorums.can_go_on(world)
    assert not quorums.may_crash(world, two)
    assert not quorums.may_remove(world, three)
    assert quorums.may_remove(world, one)


def test_no_fault_rests_on_a_node_that_waits(stage: Stage) -> None:
    stage.do("join 1")
    stage.do("pass 200")
    world = stage.world
    waiting = world.nodes[3]
    assert waiting.id not in quorums.up(world)
    assert waiting.id not in quorums.coming(world)
    assert quorums.may_trust(world, waiting)
    stage.do("trust 3 0")
    assert waiting.id not in quorums.coming(world)
    # Three of four are needed now, and it is not one of them yet.
    assert not quorums.may_crash(world, world.nodes[2])
    stage.do("faults lost:3>1")
    stage.do("pass 100")
    assert waiting.id in quorums.coming(world)
    stage.do("faults")
    stage.do("pass 400")
    assert waiting.id in quorums.up(world)
    assert quorums.may_crash(world, world.nodes[2])


def test_a_disk_that_may_fail_is_as_good_as_gone(stage: Stage) -> None:
    stage.do("disk 2 full 0")
    assert stage.world.nodes[2].id not in quorums.up(stage.world)
    stage.do("crash 1 kill 0")
    assert stage.world.nodes[1].is_alive


@pytest.mark.newest
def test_a_node_that_lacks_what_another_never_had_is_not_relied_on(
    stage: Stage,
) -> None:
    world = stage.world
    stage.do("snapshot 0")
    stage.do("pass 400")
    stage.do("join 0 fresh")
    stage.do("pass 400")
    fresh = world.nodes[3]
    stage.do("join 1")
    stage.do("pass 400")
    old = world.nodes[4]
    stage.do("trust 3 0")
    stage.do("pass 400")
    assert fresh.after > 0
    stage.do("faults lost:0>4")
    stage.do("trust 4 0")
    stage.do("pass 400")
    assert old.has_joined
    assert old.last_seqno < fresh.after
    assert quorums.up(world) == {node.id for node in world.nodes[:4]}
    stage.do("faults")
    stage.do("pass 3000")
    assert old.last_seqno >= fresh.after
    assert old.id in quorums.up(world)
