"""Two pipes between a host and an enclave's process: one for each direction.

For a request's message, pipes take half of the kernel's time that a pair of sockets
takes, and a process with pipes alone needs no system calls of sockets.

An event loop's own transports close a descriptor only in a later turn, but a child must
see the end of a pipe at once. The loop therefore only says when to read and write.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from io import FileIO
from types import ModuleType
from typing import NamedTuple, Protocol

from ccfpy.base.limits import LINK_BACKLOG_BYTES_MAX

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
