"""A stage remembers what was done and notices what happens."""

from tests.lab.cluster.consensus.stage import Stage, name_of, shape
from tests.lab.invariants import Violated

LINES = (
    ("start_node", "0"),
    ("emit_signature", "2"),
    ("trust_nodes", "2", "1", "2"),
    ("loop_until_sync",),
)


def _stage() -> Stage:
    stage = Stage()
    for words in LINES:
        stage.do(*words)
    return stage


def test_what_was_done_can_be_told() -> None:
    stage = _stage()
    assert tuple(stage.lines) == LINES
    assert stage.steps > len(LINES)
    assert stage.view == 2
    assert stage.has_turned
    assert [node.id for node in stage.leaders()] == ["0"]


def test_the_same_steps_leave_the_same_trace() -> None:
    assert _stage().trace_hash == _stage().trace_hash
    other = _stage()
    other.do("periodic_one", "1", "100")
    assert other.trace_hash != _stage().trace_hash


def test_a_crashed_node_leads_no_more() -> None:
    stage = _stage()
    stage.do("crash", "0")
    assert [node.id for node in stage.live()] == ["1", "2"]
    assert stage.leaders() == []


def test_states_that_differ_in_age_alone_have_one_shape() -> None:
    stage = _stage()
    before = shape(stage)
    stage.do("replicate", "2", "x")
    assert shape(stage) != before
    stage.do("loop_until_sync")
    assert shape(stage) == before
    stage.do("periodic_one", "1", "100")
    assert shape(stage) != before


def test_failures_have_names() -> None:
    assert name_of(Violated("LogInv", "two")) == "LogInv"
    assert name_of(AssertionError("a commit moves forward")) == "Assertion"
