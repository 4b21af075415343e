"""Every story's trace passes, and one with a fault does not."""

from pathlib import Path

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import JsonObject
from tests.lab.raft_trace.checking import check_trace
from tests.lab.raft_trace.reading import function_of, message_of, state_of
from tests.unit.lab.raft_trace.traces import STORIES, STORY, steps_of

IN_ORDER = [
    path
    for path in sorted(STORIES.glob("*.txt"))
    if not any(word in path.read_text() for word in ("postpone", "shuffle"))
]


@pytest.mark.parametrize("story", IN_ORDER, ids=lambda path: path.stem)
def test_the_trace_of_a_story_passes(story: Path) -> None:
    steps = steps_of(story.read_text())
    assert check_trace(steps) == len(steps) > 0


def _first(steps: list[JsonObject], function: str) -> int:
    return next(i for i, step in enumerate(steps) if function_of(step) == function)


def test_a_step_of_another_form_is_refused() -> None:
    steps = steps_of(STORY)
    message_of(steps[3])["function"] = "dance"
    with pytest.raises(VerificationFailed, match="step 4: no step is called"):
        check_trace(steps)
    steps = steps_of(STORY)
    del message_of(steps[_first(steps, "commit")])["args"]
    with pytest.raises(VerificationFailed, match="commit lacks args"):
        check_trace(steps)
    steps = steps_of(STORY)
    del state_of(steps[0])["last_idx"]
    with pytest.raises(VerificationFailed, match="step 1: become_leader lacks last_i"):
        check_trace(steps)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("current_view", 1, "had current_view 2, and has 1"),
        ("commit_idx", 99, "committed what it does not have"),
        ("commit_idx", "x", "commit_idx is no number"),
    ],
)
def test_a_node_does_not_go_back(name: str, value: int | str, reason: str) -> None:
    steps = steps_of(STORY)
    state_of(steps[4])[name] = value
    with pytest.raises(VerificationFailed, match=reason):
        check_trace(steps)


def test_one_node_leads_a_view() -> None:
    steps = steps_of(STORY)
    again = steps[0] | {
        "msg": message_of(steps[0]) | {"state": {**state_of(steps[0]), "node_id": "9"}}
    }
    with pytest.raises(VerificationFailed, match="nodes 0 and 9 lead view 2"):
        check_trace([*steps, again])


def test_what_is_received_was_sent() -> None:
    steps = steps_of(STORY)
    del steps[_first(steps, "send_append_entries")]
    with pytest.raises(VerificationFailed, match="not the oldest message from 0"):
        check_trace(steps)
