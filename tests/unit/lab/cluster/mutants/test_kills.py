"""The seeds that kill: each fails with its mistake, and holds without it."""

import pytest

from tests.lab.cluster.consensus.simulation import run
from tests.lab.cluster.mutants.catalogue import MUTANTS, SIMULATED
from tests.lab.cluster.mutants.kills import KILLS, NODE_KILLS
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.search import NODE_SEEDS_MAX, SEEDS_MAX, play
from tests.lab.cluster.whole import simulation

SEARCHED = [mutant for mutant in MUTANTS if not mutant.is_rare]
SEEDED = [mutant for mutant in SIMULATED if not mutant.story]
TOLD = [mutant for mutant in SIMULATED if mutant.story]


def test_every_mutant_is_killed() -> None:
    assert list(KILLS) == [mutant.name for mutant in SEARCHED]
    assert max(seed for seed, _ in KILLS.values()) < SEEDS_MAX
    assert list(NODE_KILLS) == [mutant.name for mutant in SIMULATED]
    assert max(seed for seed, _ in NODE_KILLS.values()) < NODE_SEEDS_MAX


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SEARCHED, ids=lambda mutant: mutant.name)
def test_the_seed_kills_the_mutant_alone(mutant: Mutant) -> None:
    seed, invariant = KILLS[mutant.name]
    with mutant.applied():
        assert run(seed).failure == invariant
    assert run(seed).failure is None


@pytest.mark.newest
@pytest.mark.parametrize("mutant", SIMULATED, ids=lambda mutant: mutant.name)
def test_whole_nodes_show_the_mutant(mutant: Mutant) -> None:
    seed, invariant = NODE_KILLS[mutant.name]
    with mutant.applied():
        outcome = play(mutant, seed)
    assert outcome.failure == invariant, outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("mutant", TOLD, ids=lambda mutant: mutant.name)
def test_without_the_mutant_its_story_holds(mutant: Mutant) -> None:
    seed, _ = NODE_KILLS[mutant.name]
    outcome = play(mutant, seed)
    assert outcome.failure is None, outcome.reason
    assert outcome.could_go_on


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted({NODE_KILLS[m.name][0] for m in SEEDED}))
def test_without_a_mutant_the_seed_holds(seed: int) -> None:
    outcome = simulation.run(seed)
    assert outcome.failure is None, outcome.reason
