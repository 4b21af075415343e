"""Looks for the first seed that finds a mistake: in consensus, or in whole nodes."""

from collections.abc import Callable

from tests.lab.cluster.consensus.simulation import Family
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.outcome import Outcome
from tests.lab.cluster.whole.simulation import Run, replay, run

SEEDS_MAX = 20_000
"""Within how many seeds every mutant must be killed."""
NODE_SEEDS_MAX = 200
"""The same for whole nodes, of which a seed takes longer."""
STORY_SEED = 2
"""Decides the keys of every story."""
OPENING = ("join 0", "pass 200") * 2 + ("open", "pass 200")
"""What comes before every story: an open service of three nodes."""

Progress = Callable[[int], None]
"""Is called with how many seeds have run."""


def kill(
    mutant: Mutant, *, seeds: int = SEEDS_MAX, progress: Progress = lambda _: None
) -> Outcome | None:
    """Run a mutant from seed 0 on until it fails; return how, or None if it lives."""
    family = Family(0)
    with mutant.applied():
        while family.next_seed < seeds:
            outcome = family.run()
            if outcome.failure is not None:
                return outcome
            if family.is_complete:
                progress(family.next_seed)
                family = Family(family.number + 1)
    return None


def kill_nodes(
    mutant: Mutant, *, seeds: int = NODE_SEEDS_MAX, progress: Progress = lambda _: None
) -> Run | None:
    """Run whole nodes with a mistake until they fail; return how, or None.

    A mistake that has a story has only that.
    """
    with mutant.applied():
        for seed in (STORY_SEED,) if mutant.story else range(seeds):
            outcome = play(mutant, seed)
            if outcome.failure is not None:
                return outcome
            progress(seed + 1)
    return None


def play(mutant: Mutant, seed: int) -> Run:
    """Run a mutant's story, or else a seed; the mistake is put in by the caller."""
    if mutant.story:
        return replay(seed, OPENING + mutant.story)
    return run(seed)
