"""A trace begins with its service, and a reconfiguration is one step of it."""

import pytest

from ccfpy.base.errors import VerificationFailed
from tests.lab.raft_trace.checking import DROPPED
from tests.lab.raft_trace.preparing import prepare
from tests.lab.raft_trace.reading import function_of, message_of, node_of, state_of
from tests.unit.lab.raft_trace.traces import STORIES, STORY, steps_of


def test_it_begins_with_the_first_commit_of_the_first_node() -> None:
    steps = prepare(steps_of(STORY))
    assert function_of(steps[0]) == "bootstrap"
    assert message_of(steps[0])["args"] == {"idx": 2}
    assert function_of(steps[1]) == "add_configuration"
    with pytest.raises(VerificationFailed, match="does not begin with a new service"):
        prepare(steps_of(STORY)[3:])
    with pytest.raises(VerificationFailed, match="does not begin with a new service"):
        prepare([])


def test_an_entry_with_a_configuration_is_left_out() -> None:
    before = steps_of(STORY)
    steps = prepare(before)
    added = [step for step in before if function_of(step) == "add_configuration"]
    followed = [step for step in before if function_of(step) == "become_follower"]
    assert len(steps) >= len(before) - len(added) - len(followed) - 3
    with pytest.raises(
        VerificationFailed, match="node 0 has a configuration of no ent"
    ):
        prepare([added[0]])


@pytest.mark.parametrize(
    ("function", "ignoring"),
    [
        ("recv_append_entries", {"commit_idx": 99, "current_view": 2}),
        ("recv_request_vote_response", {"current_view": 99}),
    ],
)
def test_what_a_node_ignores_is_lost(function: str, ignoring: dict[str, int]) -> None:
    steps = steps_of(STORY)
    received = next(s for s in steps if function_of(s) == function)
    state_of(received).update(ignoring)
    found = [s for s in prepare(steps) if function_of(s) == DROPPED]
    assert node_of(received) in {message_of(step)["to_node_id"] for step in found}


def test_a_record_of_retirement_is_told_from_a_write() -> None:
    story = (STORIES / "record_of_retirement_twice.txt").read_text()
    records = [
        s for s in prepare(steps_of(story)) if s["cmd_prefix"] == "cleanup_nodes"
    ]
    assert records
    assert {function_of(step) for step in records} == {"replicate"}
