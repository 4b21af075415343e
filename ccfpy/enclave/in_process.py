"""The enclave without a process of its own, for debugging and tests.

It is a link as the host knows them (``host.enclave_link.EnclaveLink``), handed in by
whoever assembles the program: the host itself never sees the node.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.effects import Effect, Stop
from ccfpy.boundary.ending import ExitCode
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import Lifecycle, Stage
from ccfpy.enclave.loop import Steps, describe_crash


class Observer(Protocol):
    """The part of the host's observer that this link speaks to."""

    def effects_received(self, effects: Sequence[Effect]) -> None:
        """Perform what one or more steps asked, in order."""

    def link_lost(self, reason: str) -> None:
        """The enclave is gone; nothing more will come."""


class InProcessLink:
    """Steps a node in the host's own thread; one node, once."""

    def __init__(self, build: Callable[[], Steps]) -> None:
        self._build = build
        self._lifecycle = Lifecycle()
        self._node: Steps | None = None
        self._observer: Observer | None = None

    async def start(self, observer: Observer) -> None:
        """Build the node; a refusal is reported as its stop.

        Raises:
            WrongStage: it was started before.
        """
        self._lifecycle.move(Stage.INITIALIZED)
        self._observer = observer
        try:
            self._node = self._build()
        except CcfpyError as refusal:
            self._lifecycle.end()
            reason = str(refusal)
            observer.effects_received(
                [Stop(exit_code=ExitCode.NOT_STARTED, reason=reason)]
            )

    def send(self, events: Sequence[Event]) -> None:
        """Step the node and hand over what it asks."""
        if self._node is None or self._observer is None:
            return
        try:
            effects = self._node.step(events)
        except Exception as error:  # noqa: BLE001  # the rim
            self._node = None
            self._lifecycle.end()
            self._observer.link_lost(describe_crash(error))
            return
        if effects:
            self._observer.effects_received(effects)

    def stop(self) -> None:
        """Let the node go."""
        self._lifecycle.end()
        self._node = None
        self._observer = None
