"""A failure is told by few acts."""

import pytest

from tests.lab.cluster.mutants.catalogue import BY_NAME
from tests.lab.cluster.whole.simulation import replay
from tests.lab.cluster.whole.story import replay_story, shortened, story_of

ACTS = ("join 0", "pass 200", "open", "rekey 0", "write 0 a", "status 0", "pass 200")


@pytest.mark.newest
def test_what_holds_is_told_as_it_was() -> None:
    outcome = replay(1, ACTS)
    assert outcome.failure is None
    assert replay_story(story_of(outcome)).trace == outcome.trace


@pytest.mark.slow
def test_a_failure_is_made_short() -> None:
    with BY_NAME["private part in the clear"].applied():
        outcome = replay(1, ACTS)
        assert outcome.failure is not None
        short = shortened(outcome, steps_max=2000)
        assert short.failure == outcome.failure
        assert len(short.acts) < len(ACTS)


def test_a_failure_stays_as_it_is_if_there_is_no_time() -> None:
    with BY_NAME["private part in the clear"].applied():
        outcome = replay(1, ACTS)
        assert shortened(outcome, steps_max=0) is outcome


def test_a_story_begins_with_its_seed() -> None:
    with pytest.raises(ValueError, match="its seed"):
        replay_story("pass 10\n")
