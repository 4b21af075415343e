"""Logs of several nodes become one trace in which causes come first."""

import pytest

from ccfpy.base.errors import Malformed
from tests.lab.raft_trace.checking import DROPPED, check_trace
from tests.lab.raft_trace.merging import merge
from tests.lab.raft_trace.reading import function_of, node_of
from tests.unit.lab.raft_trace.traces import STORY, by_node, steps_of


@pytest.mark.parametrize("is_late", [False, True])
def test_causes_come_first_whatever_the_clocks_say(*, is_late: bool) -> None:
    logs = by_node(steps_of(STORY))
    if is_late:
        # The first node's clock is hours ahead.
        logs[0] = [step | {"h_ts": f"9{step['h_ts']}"} for step in logs[0]]
    merged = merge(logs)
    assert check_trace(merged) == len(merged)
    assert [step["h_ts"] for step in merged] == [
        str(number) for number in range(1, len(merged) + 1)
    ]
    kept = [step for step in merged if function_of(step) != DROPPED]
    assert [[step["msg"] for step in log] for log in by_node(kept)] == [
        [step["msg"] for step in log] for log in logs
    ]


def test_what_was_lost_is_written_where_it_shows() -> None:
    steps = steps_of(STORY)
    lost = [step["msg"] for step in steps if function_of(step) == DROPPED]
    assert lost
    found = [s["msg"] for s in merge(by_node(steps)) if function_of(s) == DROPPED]
    assert found == lost


def test_nodes_are_named_as_they_appear() -> None:
    logs = by_node(
        steps_of(
            STORY.replace("start_node,0", "start_node,a")
            .replace(",0,", ",a,")
            .replace("dispatch_one,0", "dispatch_one,a")
        )
    )
    merged = merge(logs)
    assert node_of(merged[0]) == "0"
    assert {node_of(step) for step in merged} == {"0", "1", "2"}


def test_a_message_that_nobody_sent_is_refused() -> None:
    logs = by_node(steps_of(STORY))
    with pytest.raises(Malformed, match="whose log is missing"):
        merge(logs[1:])
    with pytest.raises(Malformed, match="received what no log sends"):
        merge([logs[0][:5], *logs[1:]])
    with pytest.raises(Malformed, match="two logs are of the same node"):
        merge([*logs, logs[0]])
