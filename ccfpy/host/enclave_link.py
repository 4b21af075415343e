"""The one channel to the enclave of a node.

It is a child process at the end of a socket pair, as every enclave is
(`enclave_process`): when either goes away the other learns of it, and the host stops
the node.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.wire import EFFECTS, EVENTS
from ccfpy.host.enclave_process import (
    EnclaveProcess,
    PipeEnds,
    ProcessObserver,
    python_command,
)

ENCLAVE_MODULE = "ccfpy.enclave"

LinkObserver: TypeAlias = ProcessObserver[Effect]
"""Who hears from the enclave, in the thread of the event loop."""


class EnclaveLink(Protocol):
    """A way to an enclave. ``ProcessLink`` is one; another may run it in process."""

    @property
    def is_apart(self) -> bool:
        """Whether the enclave answers in later turns of the event loop alone."""

    @property
    def process_id(self) -> int | None:
        """The enclave's process, if it has one of its own and was started."""

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the enclave wait in the host."""

    async def start(self, observer: LinkObserver) -> None:
        """Bring the enclave up; events may be sent from now on."""

    def send(self, events: Sequence[Event]) -> None:
        """Send the enclave one batch. Never waits; may call the observer at once."""

    def stop(self) -> None:
        """End the enclave, at once if need be; the observer hears no more."""


class ProcessLink(EnclaveProcess[Event, Effect]):
    """The enclave of a node as a child process."""

    def __init__(
        self, app: str, *, command: Callable[[str, PipeEnds], list[str]] | None = None
    ) -> None:
        make = enclave_command if command is None else command
        super().__init__(lambda ends: make(app, ends), events=EVENTS, effects=EFFECTS)

    @property
    def is_apart(self) -> bool:
        """The enclave works beside the host."""
        return True


def enclave_command(app: str, ends: PipeEnds) -> list[str]:
    """Return the command line of the child."""
    channel = map(str, ends)
    return python_command("-m", ENCLAVE_MODULE, "--app", app, "--channel", *channel)
