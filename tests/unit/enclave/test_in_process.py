"""The enclave in the host's own process."""

import asyncio
from collections.abc import Sequence

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.effects import Effect, Stop
from ccfpy.boundary.events import Event, Tick
from ccfpy.boundary.lifecycle import WrongStage
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.enclave.loop import Steps

TICK = Tick(monotonic_ms=1, unix_us=2)
STOP = Stop(exit_code=0, reason="done")


class _Node:
    def __init__(self, effects: list[Effect] | None) -> None:
        self._effects = effects

    def step(self, events: Sequence[Event]) -> list[Effect]:
        assert list(events) == [TICK]
        if self._effects is None:
            raise ValueError("secret")
        return self._effects


class _Observer:
    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.lost: list[str] = []

    def effects_received(self, effects: Sequence[Effect]) -> None:
        self.effects += effects

    def link_lost(self, reason: str) -> None:
        self.lost.append(reason)


def _send(node: Steps, *, times: int = 1) -> _Observer:
    observer, link = _Observer(), InProcessLink(lambda: node)
    asyncio.run(link.start(observer))
    for _ in range(times):
        link.send([TICK])
    link.stop()
    link.send([TICK])
    return observer


def test_a_batch_is_one_step_and_its_effects_one_delivery() -> None:
    observer = _send(_Node([STOP]))
    assert observer.effects == [STOP]
    assert not observer.lost


def test_a_crash_is_the_loss_of_the_link_without_values() -> None:
    observer = _send(_Node(None), times=2)
    (reason,) = observer.lost
    assert "ValueError at " in reason
    assert "secret" not in reason


def test_a_refusal_is_a_stop_with_its_reason() -> None:
    def refuse() -> Steps:
        raise ConfigurationRefused("no; yes")

    observer, link = _Observer(), InProcessLink(refuse)
    asyncio.run(link.start(observer))
    link.send([TICK])
    assert observer.effects == [Stop(exit_code=2, reason="no; yes")]


def test_a_link_is_one_node_and_starts_no_other() -> None:
    observer, link = _Observer(), InProcessLink(lambda: _Node([STOP]))
    asyncio.run(link.start(observer))
    for _ in range(2):
        with pytest.raises(WrongStage, match="create another"):
            asyncio.run(link.start(observer))
        link.stop()
