"""Every mistake in nodes says what is wrong, and what must find it exists."""

import pytest

from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.named import ROOT
from tests.lab.cluster.mutants.nodes import NODES


@pytest.mark.parametrize("mutant", NODES, ids=lambda mutant: mutant.name)
def test_what_must_find_it_exists(mutant: Mutant) -> None:
    assert mutant.reason
    assert mutant.edits
    if mutant.found_by:
        path, _, test = mutant.found_by.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text()
