"""Our own scenarios of consensus, each over many election timers."""

from pathlib import Path

import pytest

from tests.lab import scenario

STORIES = sorted((Path(__file__).parent / "consensus").glob("*.txt"))
SEEDS = 20


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_a_story_holds_whatever_the_timers(story: Path) -> None:
    text = story.read_text()
    for seed in range(SEEDS):
        scenario.run(text, seed=seed)


def test_there_are_stories() -> None:
    assert STORIES
