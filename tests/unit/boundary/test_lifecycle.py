"""An enclave's stages: what follows what."""

from itertools import product

import pytest

from ccfpy.boundary.lifecycle import MOVES, EnclaveStage, Lifecycle, WrongStage

WAYS: dict[EnclaveStage, tuple[EnclaveStage, ...]] = {
    EnclaveStage.CREATED: (),
    EnclaveStage.INITIALIZED: (EnclaveStage.INITIALIZED,),
    EnclaveStage.RUNNING: (EnclaveStage.INITIALIZED, EnclaveStage.RUNNING),
    EnclaveStage.DESTROYED: (EnclaveStage.DESTROYED,),
}


def _at(stage: EnclaveStage) -> Lifecycle:
    lifecycle = Lifecycle()
    for step in WAYS[stage]:
        lifecycle.move(step)
    assert lifecycle.stage is stage
    return lifecycle


@pytest.mark.parametrize(("start", "to"), list(product(EnclaveStage, EnclaveStage)))
def test_a_stage_follows_as_the_table_says_and_not_otherwise(
    start: EnclaveStage, to: EnclaveStage
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
    assert not MOVES[EnclaveStage.DESTROYED]
    for stage in EnclaveStage:
        lifecycle = _at(stage)
        lifecycle.end()
        lifecycle.end()
        assert lifecycle.stage is EnclaveStage.DESTROYED


def test_what_needs_a_stage_says_which() -> None:
    lifecycle = _at(EnclaveStage.INITIALIZED)
    lifecycle.require(EnclaveStage.INITIALIZED, EnclaveStage.RUNNING)
    with pytest.raises(WrongStage, match="the enclave is initialized, not running"):
        lifecycle.require(EnclaveStage.RUNNING)
