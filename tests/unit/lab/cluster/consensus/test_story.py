"""A failure becomes a scenario, which holds once the mistake is mended."""

from pathlib import Path

import pytest

from tests.lab.cluster.consensus.openings import OLD_BRANCH, lines_of
from tests.lab.cluster.consensus.simulation import run
from tests.lab.cluster.consensus.story import (
    complaint_of,
    failure_of,
    story_of,
)
from tests.lab.cluster.mutants.catalogue import MUTANTS
from tests.lab.cluster.mutants.kills import KILLS
from tests.lab.cluster.outcome import Outcome
from tests.lab.scenario.__main__ import main

LINES = (
    ("start_node", "0"),
    ("emit_signature", "2"),
    ("trust_nodes", "2", "1", "2"),
    ("loop_until_sync",),
)
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.slow
def test_a_failure_is_told_shortly_and_can_be_run(tmp_path: Path) -> None:
    mutant = BY_NAME["new view drops what is signed"]
    seed, invariant = KILLS[mutant.name]
    path = tmp_path / "story.txt"
    with mutant.applied():
        outcome = run(seed)
        story = story_of(outcome)
        assert invariant in (complaint_of(story) or "")
        path.write_text(story)
        assert main([str(path)]) == 1
    assert story.startswith(f"# Seed {seed} of the simulation: {invariant}")
    assert story.count("\n") < len(outcome.lines) / 4


@pytest.mark.slow
def test_a_standstill_can_be_told_too() -> None:
    mutant = BY_NAME["refusal names the own end"]
    outcome = Outcome(
        seed=7,
        lines=(*LINES, *lines_of(OLD_BRANCH), ("assert_progress",)),
        steps=0,
        shapes=0,
        leaders=0,
        commits=0,
        reconfigurations=0,
        trace_hash="",
        failure="Progress",
        reason="Progress: nothing",
    )
    with mutant.applied():
        story = story_of(outcome)
        assert "Progress" in (complaint_of(story) or "")
    assert story.startswith("# Seed 7 of the simulation: Progress: nothing\n")
    assert story.endswith("assert_progress\n")
    assert complaint_of(story) is None


def test_lines_that_cannot_be_followed_are_left_out() -> None:
    lines = (*LINES, ("replicate", "9", "x"), ("periodic_one", "1", "10"))
    failure, followed = failure_of(lines)
    assert failure is None
    assert followed == [*LINES, ("periodic_one", "1", "10")]


def test_a_failure_ends_with_the_line_that_shows_it() -> None:
    record = ("cleanup_nodes", "2", "1")
    failure, followed = failure_of([*LINES, record, ("periodic_one", "1", "10")])
    assert failure == "RetirementCompletedNotInConfigsInv"
    assert followed == [*LINES, record]


def test_nobody_expects_a_majority_of_the_dead_to_recover() -> None:
    lines = (*LINES, ("crash", "0"), ("crash", "1"), ("assert_progress",))
    failure, followed = failure_of(lines)
    assert failure is None
    assert followed[-1] == ("crash", "1")
