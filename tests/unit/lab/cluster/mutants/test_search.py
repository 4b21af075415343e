"""The search tells who was killed, and who was not."""

from tests.lab.cluster.consensus.simulation import FAMILY_SEEDS
from tests.lab.cluster.mutants.catalogue import MUTANTS
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.search import kill

HARMLESS = Mutant(name="harmless", reason="Nothing is changed.", edits=())


def test_a_mutant_is_killed_by_the_first_seed_that_sees_it() -> None:
    mutant = {mutant.name: mutant for mutant in MUTANTS}["commit what is unsigned"]
    outcome = kill(mutant)
    assert outcome is not None
    assert outcome.failure is not None
    assert outcome.seed < FAMILY_SEEDS


def test_what_is_no_mistake_lives() -> None:
    told: list[int] = []
    assert kill(HARMLESS, seeds=FAMILY_SEEDS, progress=told.append) is None
    assert told == [FAMILY_SEEDS]
