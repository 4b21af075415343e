"""An enclave of whatever kind as a child process: batches as frames over two pipes.

There is a pipe for each direction. For a request's message, pipes take half of the
kernel's time that a pair of sockets takes, and a process with pipes alone needs no
system calls of sockets.

The child inherits its ends of them and nothing else: no other descriptor, of the
environment where its modules and its simulated machine are, stdin, stdout and stderr
that lead nowhere. When the host goes away the pipes end and the child exits; when the
child goes away the pipes end and the observer is told how.

An event loop's own transports close a descriptor only in a later turn, but a child must
see the end of a pipe at once. The loop therefore only says when to read and write.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from io import FileIO
from types import ModuleType
from typing import Generic, NamedTuple, Protocol, TypeVar

from ccfpy import PURE_VARIABLE
from ccfpy.base.limits import (
    LINK_BACKLOG_BYTES_MAX,
    MEMORY_KEPT_BYTES_MAX,
    MEMORY_RETURNED_BYTES_MIN,
)
from ccfpy.boundary.lifecycle import EnclaveStage, Lifecycle, describe_ending
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import FrameReader, Vocabulary

try:
    import fcntl as _fcntl
except ImportError:  # on Windows
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl

PIPE_BYTES = 1 << 20
"""The system's buffer for the bytes of each side: a turn of a thousand sessions.

With a smaller buffer a sender stops within a frame until the receiver has read. Linux
grants this size to any user; elsewhere the default size has to be enough.
"""
READ_BYTES_MAX = 1 << 18
"""Read at once, before the loop's turn goes on."""


class PipeEnds(NamedTuple):
    """What one side has of both, as descriptors that its children do not inherit."""

    reading: int
    writing: int

    def close(self) -> None:
        """Close both."""
        for end in self:
            os.close(end)


class PipeObserver(Protocol):
    """Who is told what becomes of a host's end, in the thread of its event loop."""

    def hung_up(self) -> None:
        """The enclave is gone, and all that it said was heard."""

    def congested(self) -> None:
        """More than ``LINK_BACKLOG_BYTES_MAX`` waits to be written."""

    def cleared(self) -> None:
        """What waited is written."""


def pipe_pair() -> tuple[PipeEnds, PipeEnds]:
    """Make both sides' ends, whatever one writes for the other to read."""
    forth, back = _pipe(), _pipe()
    return PipeEnds(back[0], forth[1]), PipeEnds(forth[0], back[1])


class HostPipes:
    """The host's ends, in the event loop that runs, until it closes them.

    Args:
        ends: of both pipes.
        heard: takes what the enclave said; what it is given is good until it returns.
        observer: hears of all else.
    """

    def __init__(
        self,
        ends: PipeEnds,
        heard: Callable[[memoryview], None],
        observer: PipeObserver,
    ) -> None:
        self._reading = FileIO(ends.reading, "rb")
        self._writing = FileIO(ends.writing, "wb")
        self._read = self._reading.readinto
        self._write = self._writing.write
        self._heard = heard
        self._observer = observer
        self._buffer = memoryview(bytearray(READ_BYTES_MAX))
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._is_congested = False
        self._loop = asyncio.get_running_loop()
        for end in ends:
            os.set_blocking(end, False)
        self._loop.add_reader(ends.reading, self._hear)

    def write(self, data: bytes) -> None:
        """Write; what the pipe does not take waits, and is lost if the enclave is."""
        if not self._waiting:
            written = self._written(data)
            if written == len(data):
                return
            self._loop.add_writer(self._writing, self._write_rest)
            self._waiting.append(memoryview(data)[written:])
            self._waiting_bytes = len(data) - written
        else:
            self._waiting.append(memoryview(data))
            self._waiting_bytes += len(data)
        if self._waiting_bytes > LINK_BACKLOG_BYTES_MAX and not self._is_congested:
            self._is_congested = True
            self._observer.congested()

    @property
    def queued_bytes(self) -> int:
        """How many bytes wait to be written."""
        return self._waiting_bytes

    def close(self) -> None:
        """Hang up, at once; nothing is heard any more, nor may be written."""
        self._loop.remove_reader(self._reading)
        self._loop.remove_writer(self._writing)
        self._reading.close()
        self._writing.close()
        self._waiting.clear()

    def _hear(self) -> None:
        count = self._read(self._buffer)
        if count:
            self._heard(self._buffer[:count])
        elif count is not None:  # the end, and not only nothing yet
            self.close()
            self._observer.hung_up()

    def _write_rest(self) -> None:
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            written = self._written(first)
            self._waiting_bytes -= written
            if written < len(first):
                waiting[0] = first[written:]
                return
            waiting.popleft()
        self._loop.remove_writer(self._writing)
        if self._is_congested:
            self._is_congested = False
            self._observer.cleared()

    def _written(self, data: bytes | memoryview) -> int:
        try:
            written = self._write(data)
        except BrokenPipeError:
            return len(data)  # nobody will read it; that the enclave is gone is read
        return 0 if written is None else written


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    resize = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux
    if fcntl is not None and resize is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, resize, PIPE_BYTES)
    return reading, writing


ISOLATION_VARIABLE = "CCFPY_ENCLAVE_ISOLATION"
"""Turns the enclave's isolation off, for debugging, when it is ``off``."""
PLATFORM_OVERRIDE = "CCF_PLATFORM_OVERRIDE"
"""Says which platform the enclave runs on, where it is not Virtual."""
PLATFORM_VARIABLE = "CCFPY_VIRTUAL_PLATFORM"
"""Names the virtual machine that the enclave runs on, where it is not the usual."""
SIMULATED_VARIABLE = "CCFPY_SIMULATED_PLATFORM"
"""Names the simulated one."""
_SEEN = (
    PLATFORM_OVERRIDE,
    PLATFORM_VARIABLE,
    SIMULATED_VARIABLE,
    ISOLATION_VARIABLE,
    PURE_VARIABLE,
)
EXIT_WAIT_S = 2.0
"""How long a child may take to notice that its channel has ended."""

EventT = TypeVar("EventT")
EffectT = TypeVar("EffectT")
Effect_contra = TypeVar("Effect_contra", contravariant=True)


class ProcessObserver(Protocol[Effect_contra]):
    """Who hears from the enclave, in the thread of the event loop."""

    def effects_received(self, effects: Sequence[Effect_contra], /) -> None:
        """Perform what one or more steps asked, in order."""

    def link_congested(self) -> None:
        """Too much waits for the enclave: produce no more events that can wait."""

    def link_cleared(self) -> None:
        """The enclave has caught up."""

    def link_lost(self, reason: str) -> None:
        """The enclave is gone, or broke the protocol; nothing more will come."""


class EnclaveProcess(Generic[EventT, EffectT]):
    """One child, once.

    Args:
        command: gives the command line for the child's ends of the pipes.
        events: what the host may say to the child.
        effects: what the child may say to the host.
    """

    def __init__(
        self,
        command: Callable[[PipeEnds], list[str]],
        *,
        events: Vocabulary[EventT],
        effects: Vocabulary[EffectT],
    ) -> None:
        self._command = command
        self._encode: Callable[[Sequence[EventT]], bytes] = events.encode
        self._decode: Callable[[bytes], list[EffectT]] = effects.decode
        self._lifecycle = Lifecycle()
        self._observer: ProcessObserver[EffectT] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._pipes: HostPipes | None = None
        self._reader = FrameReader()

    @property
    def process_id(self) -> int | None:
        """The child's process id, once started."""
        return None if self._child is None else self._child.pid

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the child wait in memory."""
        return 0 if self._pipes is None else self._pipes.queued_bytes

    @property
    def exit_code(self) -> int | None:
        """How the child ended, negative by a signal; nothing while it lives."""
        return None if self._child is None else self._child.returncode

    async def start(self, observer: ProcessObserver[EffectT]) -> None:
        """Start the child and connect to it.

        Raises:
            WrongStage: it was started before.
        """
        self._lifecycle.move(EnclaveStage.INITIALIZED)
        self._observer = observer
        ours, theirs = pipe_pair()
        try:
            self._child = subprocess.Popen(  # noqa: ASYNC220, S603  # fixed words; no shell
                self._command(theirs),
                pass_fds=theirs,
                env=enclave_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._pipes = HostPipes(ours, self._hear, self)

    def send(self, events: Sequence[EventT]) -> None:
        """Write one batch; what the pipe does not take waits in memory."""
        if self._pipes is not None:
            self._pipes.write(self._encode(events))

    def stop(self) -> None:
        """End the channel, and with it the child; kill it if it lingers."""
        self._observer = None
        self._lifecycle.end()
        if self._pipes is not None:
            self._pipes.close()
            self._pipes = None
        if self._child is not None:
            self._wait()

    def congested(self) -> None:
        """Pass on that the enclave does not keep up."""
        if self._observer is not None:
            self._observer.link_congested()

    def cleared(self) -> None:
        """Pass on that the enclave has caught up."""
        if self._observer is not None:
            self._observer.link_cleared()

    def hung_up(self) -> None:
        """Find out how the child ended."""
        self._pipes = None
        if self._observer is not None:
            self._lose(f"the enclave process {describe_ending(self._wait())}")

    def _hear(self, data: memoryview) -> None:
        """Decode whole frames and hand their effects on, all at once."""
        if self._observer is None:
            return
        effects: list[EffectT] = []
        try:
            for body in self._reader.feed(data):
                effects += self._decode(body)
        except BoundaryViolation as violation:
            self._lose(f"the enclave broke the boundary's protocol: {violation}")
            return
        if effects:
            self._observer.effects_received(effects)

    def _lose(self, reason: str) -> None:
        self._lifecycle.end()
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
    """Return the child's whole environment.

    A setting makes the C library keep its first threshold for blocks that it returns to
    the system as soon as they are free. Otherwise the library raises the threshold to
    the size of a freed block, and large requests then leave their memory behind, in
    pieces between small blocks that stay. Another setting bounds what the library keeps
    at its heap's end.
    """
    seen = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "MALLOC_MMAP_THRESHOLD_": str(MEMORY_RETURNED_BYTES_MIN),
        "MALLOC_TRIM_THRESHOLD_": str(MEMORY_KEPT_BYTES_MAX),
    }
    for name in _SEEN:
        value = os.environ.get(name)
        if value is not None:
            seen[name] = value
    return seen


def python_command(*words: str) -> list[str]:
    """Return the command line of a child that is a program in Python.

    ``-P`` and ``-s`` keep the working directory and the user's packages out of its
    imports; warnings would go to a stderr that nobody reads.
    """
    flags = ["-P", "-s", "-W", "ignore", *(["-B"] if sys.dont_write_bytecode else [])]
    return [sys.executable, *flags, *words]
