"""An enclave's stages: what follows what."""

from itertools import product

import pytest

from ccfpy.boundary.lifecycle import MOVES, Lifecycle, Stage, WrongStage

WAYS: dict[Stage, tuple[Stage, ...]] = {
    Stage.CREATED: (),
    Stage.INITIALIZED: (Stage.INITIALIZED,),
    Stage.RUNNING: (Stage.INITIALIZED, Stage.RUNNING),
    Stage.DESTROYED: (Stage.DESTROYED,),
}


def _at(stage: Stage) -> Lifecycle:
    lifecycle = Lifecycle()
    for step in WAYS[stage]:
        lifecycle.move(step)
    assert lifecycle.stage is stage
    return lifecycle


@pytest.mark.parametrize(("start", "to"), list(product(Stage, Stage)))
def test_a_stage_follows_as_the_table_says_and_not_otherwise(
    start: Stage, to: Stage
) -> None:
    lifecycle = _at(start)
    if to in MOVES[start]:
        lifecycle.move(to)
        assert lifecycle.stage is to
    else:
        with pytest.raises(WrongStage, match=f"is {start} does not become {to}"):
            lifecycle.move(to)
        assert lifecycle.stage is start


def test_nothing_follows_the_end() -> None:
    assert not MOVES[Stage.DESTROYED]
    for stage in Stage:
        lifecycle = _at(stage)
        lifecycle.end()
        lifecycle.end()
        assert lifecycle.stage is Stage.DESTROYED


def test_what_needs_a_stage_says_which() -> None:
    lifecycle = _at(Stage.INITIALIZED)
    lifecycle.require(Stage.INITIALIZED, Stage.RUNNING)
    with pytest.raises(WrongStage, match="the enclave is initialized, not running"):
        lifecycle.require(Stage.RUNNING)
