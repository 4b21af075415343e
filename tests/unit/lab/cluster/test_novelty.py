"""Ways to rare states are kept, and shared out evenly."""

from collections import Counter
from random import Random

from tests.lab.cluster.novelty import ROADS_MAX, Atlas


def test_a_state_is_new_once() -> None:
    atlas: Atlas[str] = Atlas()
    assert atlas.note((1, "a"))
    assert not atlas.note((1, "a"))
    assert atlas.seen[1, "a"] == 2


def test_without_a_road_there_is_no_beginning() -> None:
    assert Atlas[str]().choose(Random(1)) == ()


def test_roads_are_used_alike() -> None:
    atlas: Atlas[int] = Atlas()
    for number in range(4):
        atlas.keep([number])
    dice = Random(1)
    uses = Counter(atlas.choose(dice) for _ in range(400))
    assert min(uses.values()) > 60


def test_the_oldest_road_goes_first() -> None:
    atlas: Atlas[int] = Atlas()
    for number in range(ROADS_MAX + 1):
        atlas.keep([number])
    dice = Random(1)
    chosen = {atlas.choose(dice) for _ in range(20 * ROADS_MAX)}
    assert (0,) not in chosen
    assert (ROADS_MAX,) in chosen
