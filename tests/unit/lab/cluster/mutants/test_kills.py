"""The seeds that kill: each fails with its mistake, and holds without it."""

import pytest

from tests.lab.cluster.consensus.simulation import run
from tests.lab.cluster.mutants.catalogue import MUTANTS
from tests.lab.cluster.mutants.kills import KILLS
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.search import SEEDS_MAX

SEARCHED = [mutant for mutant in MUTANTS if not mutant.is_rare]


def test_every_mutant_is_killed() -> None:
    assert list(KILLS) == [mutant.name for mutant in SEARCHED]
    assert max(seed for seed, _ in KILLS.values()) < SEEDS_MAX


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SEARCHED, ids=lambda mutant: mutant.name)
def test_the_seed_kills_the_mutant_alone(mutant: Mutant) -> None:
    seed, invariant = KILLS[mutant.name]
    with mutant.applied():
        assert run(seed).failure == invariant
    assert run(seed).failure is None
