"""A run that failed, as a scenario: short, and ready to be kept."""

from collections.abc import Sequence

from tests.lab import scenario
from tests.lab.cluster.consensus import membership
from tests.lab.cluster.consensus.stage import Stage, Words, name_of
from tests.lab.cluster.outcome import Outcome
from tests.lab.cluster.shrinking import shrink
from tests.lab.invariants import Violated


def story_of(outcome: Outcome) -> str:
    """Shrink a failed run to a scenario that fails in the same way."""
    assert outcome.failure is not None, "a run that holds has no story"

    def fails(lines: Sequence[Words]) -> bool:
        return failure_of(lines)[0] == outcome.failure

    _, lines = failure_of(outcome.lines)
    shortest = shrink(lines, fails)
    told = [f"# Seed {outcome.seed} of the simulation: {outcome.reason}"]
    told += [",".join(words) for words in shortest]
    return "\n".join(told) + "\n"


def failure_of(lines: Sequence[Words]) -> tuple[str | None, list[Words]]:
    """Follow commands; return the failure, if any, and the commands that were followed.

    A command that cannot be followed is left out: others may still make sense. A
    command that demands a recovery outside the fault model is left out too.
    """
    stage = Stage()
    followed: list[Words] = []
    for words in lines:
        if words[0] == "assert_progress" and not membership.must_recover(stage):
            continue
        try:
            stage.do(*words)
        except scenario.ScenarioFailed:
            continue
        except (Violated, AssertionError) as error:
            return name_of(error), [*followed, words]
        followed.append(words)
    return None, followed


def complaint_of(story: str) -> str | None:
    """Run a scenario; return what is wrong with it, if anything."""
    try:
        scenario.run(story)
    except scenario.ScenarioFailed as error:
        return str(error)
    return None
