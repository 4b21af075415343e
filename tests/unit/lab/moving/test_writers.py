"""Gaps are measured from end to end of the time that is asked for."""

import pytest

from tests.lab.moving.writers import Timeline


@pytest.fixture
def timeline() -> Timeline:
    made = Timeline()
    made.times_s = [1.0, 2.0, 5.0, 6.0]
    return made


def test_answers_between_two_times_are_counted(timeline: Timeline) -> None:
    assert timeline.count(2.0, 5.0) == 2
    assert timeline.count(7.0, 9.0) == 0


@pytest.mark.parametrize(
    ("since_s", "until_s", "gap_s"),
    [
        (0.5, 6.5, 3.0),
        (2.5, 5.5, 2.5),
        (5.0, 12.0, 6.0),
        (7.0, 9.0, 2.0),
    ],
)
def test_a_gap_begins_and_ends_with_an_answer_or_with_the_time_asked_for(
    timeline: Timeline, since_s: float, until_s: float, gap_s: float
) -> None:
    assert timeline.worst_gap_s(since_s, until_s) == gap_s
