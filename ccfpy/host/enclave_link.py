"""The one channel to the enclave, and the enclave as a child process at its end.

The child inherits one socket and nothing else: no other descriptor, of the environment
where its modules and its simulated machine are, stdin, stdout and stderr that lead
nowhere. When the host goes away the socket ends and the child exits; when the child
goes away the socket ends and the host stops the node.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from ccfpy.base.limits import LINK_BACKLOG_BYTES_MAX
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader

ENCLAVE_MODULE = "ccfpy.enclave"
PLATFORM_VARIABLE = "CCFPY_VIRTUAL_PLATFORM"
"""Names the simulated machine that the enclave runs on, where it is not the usual."""
EXIT_WAIT_S = 2.0
"""How long a child may take to notice that its channel has ended."""


class LinkObserver(Protocol):
    """Who hears from the enclave, in the thread of the event loop."""

    def effects_received(self, effects: Sequence[Effect]) -> None:
        """Perform what one or more steps asked, in order."""

    def link_congested(self) -> None:
        """Too much waits for the enclave: produce no more events that can wait."""

    def link_cleared(self) -> None:
        """The enclave has caught up."""

    def link_lost(self, reason: str) -> None:
        """The enclave is gone, or broke the protocol; nothing more will come."""


class EnclaveLink(Protocol):
    """A way to an enclave. ``ProcessLink`` is one; another may run it in process."""

    async def start(self, observer: LinkObserver) -> None:
        """Bring the enclave up; events may be sent from now on."""

    def send(self, events: Sequence[Event]) -> None:
        """Give the enclave one batch. Never waits; may call the observer at once."""

    def stop(self) -> None:
        """End the enclave, at once if need be; the observer hears no more."""


class ProcessLink(asyncio.Protocol):
    """The enclave as a child process: batches as frames over a socket pair."""

    def __init__(
        self, app: str, *, command: Callable[[str, int], list[str]] | None = None
    ) -> None:
        self._app = app
        self._command = enclave_command if command is None else command
        self._observer: LinkObserver | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()

    @property
    def process_id(self) -> int | None:
        """The child's process id, once started."""
        return None if self._child is None else self._child.pid

    async def start(self, observer: LinkObserver) -> None:
        """Start the child and connect to it."""
        self._observer = observer
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._child = subprocess.Popen(  # noqa: ASYNC220, S603  # fixed words; no shell
                self._command(self._app, descriptor),
                pass_fds=(descriptor,),
                env=enclave_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        ours.setblocking(False)
        self._socket = ours
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, sock=ours)

    def send(self, events: Sequence[Event]) -> None:
        """Write one batch; what the socket does not take waits in memory."""
        if self._transport is not None:
            self._transport.write(EVENTS.encode(events))

    def stop(self) -> None:
        """End the channel, and with it the child; kill it if it lingers."""
        self._observer = None
        if self._transport is not None and self._socket is not None:
            # The transport would close only in another turn of the loop.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._transport.abort()
            self._transport = None
        if self._child is not None:
            self._wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the channel (uvloop's transports are no asyncio subclasses)."""
        stream = cast("asyncio.Transport", transport)
        stream.set_write_buffer_limits(high=LINK_BACKLOG_BYTES_MAX)
        self._transport = stream

    def data_received(self, data: bytes) -> None:
        """Decode whole frames and hand their effects on, all at once."""
        if self._observer is None:
            return
        try:
            effects = [
                effect
                for body in self._reader.feed(data)
                for effect in EFFECTS.decode(body)
            ]
        except BoundaryViolation as violation:
            self._lose(f"the enclave broke the boundary's protocol: {violation}")
            return
        if effects:
            self._observer.effects_received(effects)

    def pause_writing(self) -> None:
        """Pass on that the enclave does not keep up."""
        if self._observer is not None:
            self._observer.link_congested()

    def resume_writing(self) -> None:
        """Pass on that the enclave has caught up."""
        if self._observer is not None:
            self._observer.link_cleared()

    def connection_lost(self, exc: Exception | None) -> None:
        """Find out how the child ended."""
        del exc
        self._transport = None
        if self._observer is not None:
            self._lose(f"the enclave process {_ending(self._wait())}")

    def _lose(self, reason: str) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.link_lost(reason)

    def _wait(self) -> int:
        assert self._child is not None, "only a started child ends"
        try:
            return self._child.wait(EXIT_WAIT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()


def enclave_environment() -> dict[str, str]:
    """Give all that the child sees of the environment."""
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    platform = os.environ.get(PLATFORM_VARIABLE)
    return modules if platform is None else modules | {PLATFORM_VARIABLE: platform}


def enclave_command(app: str, descriptor: int) -> list[str]:
    """Give the command line of the child.

    ``-P`` and ``-s`` keep the working directory and the user's packages out of its
    imports; warnings would go to a stderr that nobody reads.
    """
    flags = ["-P", "-s", "-W", "ignore", *(["-B"] if sys.dont_write_bytecode else [])]
    return [
        sys.executable,
        *flags,
        "-m",
        ENCLAVE_MODULE,
        "--app",
        app,
        "--channel",
        str(descriptor),
    ]


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
