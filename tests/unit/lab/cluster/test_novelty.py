"""Ways to rare states are kept, and shared out evenly."""

from collections import Counter
from random import Random

from tests.lab.cluster.novelty import ENTRIES_MAX, Corpus


def test_a_state_is_new_once() -> None:
    corpus: Corpus[str] = Corpus()
    assert corpus.note((1, "a"))
    assert not corpus.note((1, "a"))
    assert corpus.seen[1, "a"] == 2


def test_without_a_road_there_is_no_beginning() -> None:
    assert Corpus[str]().choose(Random(1)) == ()


def test_roads_are_used_alike() -> None:
    corpus: Corpus[int] = Corpus()
    for number in range(4):
        corpus.keep([number])
    dice = Random(1)
    uses = Counter(corpus.choose(dice) for _ in range(400))
    assert min(uses.values()) > 60


def test_the_oldest_road_goes_first() -> None:
    corpus: Corpus[int] = Corpus()
    for number in range(ENTRIES_MAX + 1):
        corpus.keep([number])
    dice = Random(1)
    chosen = {corpus.choose(dice) for _ in range(20 * ENTRIES_MAX)}
    assert (0,) not in chosen
    assert (ENTRIES_MAX,) in chosen
