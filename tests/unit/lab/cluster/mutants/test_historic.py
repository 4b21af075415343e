"""The list that must be killed is whole."""

from tests.lab.cluster.mutants.historic import HISTORIC


def test_every_mistake_of_the_past_is_there_and_says_what_it_was() -> None:
    assert len(HISTORIC) == 14
    assert all(mutant.reason and mutant.edits for mutant in HISTORIC)
