"""An enclave without a process of its own, for debugging and tests.

The enclave is a link of the host's kind (``host.enclave_link.EnclaveLink``). The code
that assembles the program passes the link; the host never sees the node inside.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import EnclaveStage, Lifecycle
from ccfpy.enclave.loop import NODE, BoundaryProtocol, Steps, StepsOf, describe_crash

EventT = TypeVar("EventT")
EffectT = TypeVar("EffectT")
Effect_contra = TypeVar("Effect_contra", contravariant=True)


class Observer(Protocol[Effect_contra]):
    """The part of the host's observer that this link speaks to."""

    def effects_received(self, effects: Sequence[Effect_contra], /) -> None:
        """Perform what one or more steps asked, in order."""

    def link_lost(self, reason: str) -> None:
        """The enclave is gone; nothing more will come."""


class InProcess(Generic[EventT, EffectT]):
    """Steps an enclave of any kind in the host's own thread; one enclave, once."""

    def __init__(
        self,
        protocol: BoundaryProtocol[EventT, EffectT],
        build: Callable[[], StepsOf[EventT, EffectT]],
    ) -> None:
        self._protocol = protocol
        self._build = build
        self._lifecycle = Lifecycle()
        self._machine: StepsOf[EventT, EffectT] | None = None
        self._observer: Observer[EffectT] | None = None

    @property
    def process_id(self) -> None:
        """There is no other process."""
        return

    @property
    def queued_bytes(self) -> int:
        """Nothing ever waits."""
        return 0

    async def start(self, observer: Observer[EffectT]) -> None:
        """Build the enclave; a refusal is reported as its stop.

        Raises:
            WrongStage: it was started before.
        """
        self._lifecycle.move(EnclaveStage.INITIALIZED)
        self._observer = observer
        try:
            self._machine = self._build()
        except CcfpyError as refusal:
            self._lifecycle.end()
            observer.effects_received([self._protocol.refused(str(refusal))])

    def send(self, events: Sequence[EventT]) -> None:
        """Step the enclave and pass its effects to the host."""
        if self._machine is None or self._observer is None:
            return
        try:
            effects = self._machine.step(events)
        except Exception as error:  # noqa: BLE001  # the rim
            self._machine = None
            self._lifecycle.end()
            self._observer.link_lost(describe_crash(error))
            return
        if effects:
            self._observer.effects_received(effects)

    def stop(self) -> None:
        """Drop the enclave."""
        self._lifecycle.end()
        self._machine = None
        self._observer = None


class InProcessLink(InProcess[Event, Effect]):
    """The enclave of a node in the host's own process."""

    @property
    def is_apart(self) -> bool:
        """The enclave answers while it is spoken to."""
        return False

    def __init__(self, build: Callable[[], Steps]) -> None:
        super().__init__(NODE, build)
