"""Acts do what their words say, and nothing where they make no sense."""

import pytest

from tests.lab.cluster.whole.stage import NODES_MAX, Stage


def test_a_service_grows(stage: Stage) -> None:
    assert [node.commit for node in stage.world.nodes] == [
        stage.world.nodes[0].commit
    ] * 3
    assert all(node.has_joined for node in stage.world.nodes)


@pytest.mark.newest
def test_a_node_is_trusted_and_leaves(stage: Stage) -> None:
    for line in ("join 0 fresh", "pass 400", "trust 3 0", "pass 1000"):
        stage.do(line)
    assert stage.world.nodes[3].has_joined
    raft = stage.world.nodes[0].running.replication.raft
    assert stage.world.nodes[3].id in raft.nodes
    stage.do("remove 3 0")
    stage.do("pass 1000")
    assert stage.world.nodes[3].id not in raft.nodes
    stage.do("forget 3 0")
    assert stage.clients.answers[-1] == ("delete", 200)


def test_messages_are_lost_doubled_and_overtaken(stage: Stage) -> None:
    stage.do("tick 0 50")
    waiting = stage.world.links["0", "1"]  # type: ignore[index]  # names for ids
    stage.do("twice 0 1 0")
    assert len(waiting) == 2
    first = waiting[0]
    stage.do("late 0 1 0")
    assert waiting[-1] is first
    stage.do("drop 0 1 0")
    assert len(waiting) == 1
    stage.do("deliver 0 1 5")
    assert not waiting


def test_time_passes_for_one_alone(stage: Stage) -> None:
    node, other = stage.world.nodes[:2]
    before, elsewhere = node.clock_us, other.clock_us
    for line in ("rate 0 2.0", "tick 0 10", "jump 0 5"):
        stage.do(line)
    assert node.clock_us == before + 25_000
    assert other.clock_us == elsewhere


def test_who_is_paused_does_nothing(stage: Stage) -> None:
    stage.do("faults paused:1 lost:0>2 held:2>0@9 clogged:2")
    steps = stage.world.nodes[1].clock_us
    for line in ("pass 100", "write 1 a", "read 1 a", "tick 1 10"):
        stage.do(line)
    assert stage.world.nodes[1].clock_us == steps
    stage.do("faults")
    assert not stage.world.faults.lost


def test_the_service_goes_on_without_a_crashed_primary(stage: Stage) -> None:
    stage.do("crash 0 power 5")
    assert stage.world.nodes[0].end == "power"
    stage.do("pass 2000")
    assert len(stage.world.leaders) == 1
    stage.do("join 1 0")
    assert len(stage.world.nodes) == 4


@pytest.mark.parametrize(
    "line",
    [
        "write 8 a",
        "trust 8 0",
        "remove 8 0",
        "rekey 8",
        "crash 8 kill 0",
        "join 8",
        "disk 8 full 0",
        "forget 8 0",
        "jump 8 1",
        "rate 8 1",
        "join 0 1",
        "drop 0 1 0",
    ],
)
def test_what_makes_no_sense_does_nothing(stage: Stage, line: str) -> None:
    before = stage.world.steps
    stage.do(line)
    assert stage.world.steps == before


def test_there_are_not_too_many_nodes(new_stage: Stage) -> None:
    for _ in range(NODES_MAX + 1):
        new_stage.do("join 0")
    assert len(new_stage.world.nodes) == NODES_MAX


@pytest.mark.parametrize("line", ["dance 0", "faults sunny"])
def test_what_is_no_act_is_refused(new_stage: Stage, line: str) -> None:
    with pytest.raises(ValueError, match="is called"):
        new_stage.do(line)
