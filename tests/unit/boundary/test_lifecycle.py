"""An enclave's stages: what follows what."""

import signal
from itertools import product

import pytest

from ccfpy.boundary.lifecycle import (
    MOVES,
    EnclaveStage,
    Lifecycle,
    ResourceLimit,
    WrongStage,
    describe_ending,
    limit_of,
)

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


@pytest.mark.parametrize(
    ("code", "said", "limit"),
    [
        (0, "ended with code 0", None),
        (1, "ended with code 1", None),
        (-signal.SIGKILL, "was killed by signal 9", None),
        (
            -signal.SIGXCPU,
            "was killed by signal 24, for its limit cpu_s_max",
            ResourceLimit.CPU,
        ),
        (
            -signal.SIGPROF,
            "was killed by signal 27, for its limit call_cpu_ms_max",
            ResourceLimit.CALL_CPU,
        ),
    ],
)
def test_an_end_is_told_with_its_limit(
    code: int, said: str, limit: ResourceLimit | None
) -> None:
    assert describe_ending(code) == said
    assert limit_of(code) is limit
