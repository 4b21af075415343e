"""A failure of whole nodes as a text file: its seed, and the acts that bring it about.

``#`` begins a comment. The first line that is no comment says ``seed N``; each other
line is an act (`tests.lab.cluster.whole.stage`).
"""

from collections.abc import Sequence

from tests.lab.cluster.shrinking import shrink
from tests.lab.cluster.whole.simulation import Run, replay

STEPS_MAX = 500_000
"""How many inputs nodes may take while a failure is shortened."""


def shortened(run: Run, *, steps_max: int = STEPS_MAX) -> Run:
    """Leave out every act without which a run fails in the same way."""
    left = steps_max
    best = run

    def fails(acts: Sequence[str]) -> bool:
        nonlocal left, best
        if left <= 0:
            return False
        again = replay(run.seed, acts)
        left -= again.steps
        if again.failure != run.failure:
            return False
        best = again
        return True

    if fails(run.acts):
        shrink(best.acts, fails)
    return best


def story_of(run: Run) -> str:
    """Write a run that failed."""
    return "\n".join([f"# {run.reason}", f"seed {run.seed}", *run.acts, ""])


def replay_story(story: str) -> Run:
    """Run a story.

    Raises:
        ValueError: the story does not begin with a seed, or has a line that is no act.
    """
    lines = [line.partition("#")[0].strip() for line in story.splitlines()]
    first, *acts = [line for line in lines if line]
    word, _, seed = first.partition(" ")
    if word != "seed":
        raise ValueError(f"a story begins with its seed, not with {first!r}")
    return replay(int(seed), acts)
