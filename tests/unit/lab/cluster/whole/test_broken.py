"""Each mistake is caught by the seed that is known to catch it."""

import pytest

from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.whole.broken import BROKEN, CAUGHT_BY, caught
from tests.lab.cluster.whole.simulation import ACTS, run


def test_every_mistake_has_its_seed() -> None:
    assert list(CAUGHT_BY) == [mutant.name for mutant in BROKEN]


@pytest.mark.newest
@pytest.mark.parametrize("mutant", BROKEN, ids=lambda mutant: mutant.name)
def test_a_mistake_is_caught(mutant: Mutant) -> None:
    seed, invariant = CAUGHT_BY[mutant.name]
    outcome = caught(mutant, first=seed, seeds=1, acts=ACTS)
    assert outcome is not None
    assert outcome.failure == invariant, outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted({seed for seed, _ in CAUGHT_BY.values()}))
def test_without_a_mistake_nothing_is_caught(seed: int) -> None:
    outcome = run(seed)
    assert outcome.failure is None, outcome.reason
