"""Every mistake fits the code as it is."""

import pytest

from tests.lab.cluster.mutants.catalogue import BY_NAME, MUTANTS, OF_NODES
from tests.lab.cluster.mutants.mutant import Mutant

ALL = MUTANTS + OF_NODES


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_the_code(mutant: Mutant) -> None:
    for edit in mutant.edits:
        changed = edit.mutated_code()
        assert (changed.co_code, changed.co_consts, changed.co_names) != (
            edit.target.__code__.co_code,
            edit.target.__code__.co_consts,
            edit.target.__code__.co_names,
        )


def test_mutants_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(ALL)
