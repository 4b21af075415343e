"""The enclave without a process of its own, for debugging and tests.

It is a link as the host knows them (``host.enclave_link.EnclaveLink``), made by whoever
assembles the program: the host itself never sees the node.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.effects import Effect, Stop
from ccfpy.boundary.events import Event
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.loop import Steps, describe_crash


class Observer(Protocol):
    """The part of the host's observer that this link speaks to."""

    def effects_received(self, effects: Sequence[Effect]) -> None:
        """Perform what one or more steps asked, in order."""

    def link_lost(self, reason: str) -> None:
        """The enclave is gone; nothing more will come."""


class InProcessLink:
    """Steps a node in the host's own thread."""

    def __init__(self, build: Callable[[], Steps]) -> None:
        self._build = build
        self._node: Steps | None = None
        self._observer: Observer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self, observer: Observer) -> None:
        """Build the node; a refusal is reported as its stop."""
        self._loop = asyncio.get_running_loop()
        self._observer = observer
        try:
            self._node = self._build()
        except CcfpyError as refusal:
            self._deliver([Stop(exit_code=2, reason=str(refusal))])

    def send(self, events: Sequence[Event]) -> None:
        """Step the node now; its effects are delivered in the next turn of the loop."""
        if self._node is None:
            return
        try:
            effects = self._node.step(events)
        except Exception as error:  # noqa: BLE001  # the rim
            self._node = None
            self._lose(describe_crash(error))
            return
        if effects:
            self._deliver(effects)

    def stop(self) -> None:
        """Let the node go."""
        self._node = None
        self._observer = None

    def _deliver(self, effects: Sequence[Effect]) -> None:
        assert self._loop is not None, "the link was started"
        self._loop.call_soon(self._hand_over, effects)

    def _hand_over(self, effects: Sequence[Effect]) -> None:
        if self._observer is not None:
            self._observer.effects_received(effects)

    def _lose(self, reason: str) -> None:
        assert self._loop is not None, "the link was started"
        if self._observer is not None:
            self._loop.call_soon(self._observer.link_lost, reason)


def in_process_link(app: str) -> InProcessLink:
    """Make the link to a node that serves an application, for ``host.main.run``."""
    return InProcessLink(lambda: build_node(app))
