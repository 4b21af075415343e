"""Looks for the first seed that finds a mistake."""

from collections.abc import Callable

from tests.lab.cluster.consensus.simulation import Family
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.outcome import Outcome

SEEDS_MAX = 20_000
"""Within how many seeds every mutant must be killed."""

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
