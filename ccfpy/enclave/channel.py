"""The enclave's one way out: a pipe that it reads, and another that it writes."""

from io import FileIO
from os import sched_yield
from select import select
from threading import Lock
from time import monotonic_ns
from types import TracebackType
from typing import Final, Self

WATCHED_MAX: Final = 1023
"""The greatest descriptor that can be watched: ``select`` knows no greater one, and
``poll`` works in no process that may open nothing more."""


class HostChannel:
    """Both, by their descriptors, which are closed with it."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = FileIO(reading, "rb")
        self._writing = FileIO(writing, "wb")
        self._write = self._writing.write
        self._lock = Lock()
        """Held while a message is written, so that none is cut by another's."""
        self.receive_into = self._reading.readinto
        """Wait for bytes and write them into a buffer; tell how many, 0 at the end."""
        self._watched = (reading,) if reading <= WATCHED_MAX else ()

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both, for reading and for writing."""
        return self._reading.fileno(), self._writing.fileno()

    def watch(self, most_ns: int) -> None:
        """Wait until there are bytes, or for so many nanoseconds, without sleeping.

        Other threads and processes that want this processor get it meanwhile. If the
        pipe cannot be watched, nothing is waited for.
        """
        if not self._watched:
            return
        until_ns = monotonic_ns() + most_ns
        while monotonic_ns() < until_ns and not select(self._watched, (), (), 0)[0]:
            sched_yield()

    def send(self, data: bytes) -> None:
        """Write all of ``data``, waiting while the host does not read.

        Any thread may call this; what others write comes before or after it.

        Raises:
            OSError: the host is gone.
        """
        with self._lock:
            self._write_all(data)

    def send_within(self, data: bytes, *, wait_ms: int) -> bool:
        """Write ``data`` as `send` does, unless another thread goes on writing.

        Args:
            data: to write.
            wait_ms: how long to wait for the other thread.

        Returns:
            Whether it was written: all of it, or nothing.

        Raises:
            OSError: the host is gone.
        """
        if not self._lock.acquire(timeout=wait_ms / 1000):
            return False
        try:
            self._write_all(data)
        finally:
            self._lock.release()
        return True

    def _write_all(self, data: bytes) -> None:
        written = self._write(data)
        while written < len(data):  # a signal was handled in the midst of it
            written += self._write(memoryview(data)[written:])

    def __enter__(self) -> Self:
        """Return this channel."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close both."""
        self._reading.close()
        self._writing.close()
