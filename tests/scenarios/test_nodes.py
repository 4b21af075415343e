"""Failures that once broke whole nodes, as the actions that caused them."""

from pathlib import Path

import pytest

from tests.lab.cluster.whole.story import replay_story

STORIES = sorted((Path(__file__).parent / "nodes").glob("*.txt"))


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_it_does_not_happen_again(story: Path) -> None:
    again = replay_story(story.read_text())
    assert again.failure is None, again.reason
    assert again.could_go_on


def test_there_are_stories() -> None:
    assert STORIES
