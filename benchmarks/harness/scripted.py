"""An enclave without system calls: its node on threads, its host a list of frames."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import Clock
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.ports import SystemClock, SystemMemory
from ccfpy.enclave.threads import NodeThreads
from ccfpy.testing.node import InProcessNode


class ThreadedNode(InProcessNode):
    """A node that calls its application's code on threads, as in an enclave."""

    def _threads(self) -> AppThreads:
        self.threads = NodeThreads(SystemMemory())
        return self.threads

    def _clock(self) -> Clock:
        return SystemClock()


class _ScriptedChannel:
    """A host that says what was written before, and does not listen.

    Args:
        frames: what the host says.
        before: called before the frame with that number.
    """

    def __init__(
        self, frames: Sequence[bytes], before: Mapping[int, Callable[[], None]]
    ) -> None:
        self._frames = iter(enumerate(frames))
        self._before = before

    def receive_into(self, buffer: memoryview) -> int:
        """Write the next frame into a buffer; tell how many bytes, 0 at the end."""
        number, frame = next(self._frames, (-1, b""))
        if number in self._before:
            self._before[number]()
        buffer[: len(frame)] = frame
        return len(frame)

    def watch(self, most_ns: int) -> None:
        """Do nothing: there is a frame at once."""

    def send(self, data: bytes) -> None:
        """Do nothing."""


def scripted_channel(
    frames: Sequence[bytes], before: Mapping[int, Callable[[], None]]
) -> HostChannel:
    """Return a channel to a host that says these frames, and does not listen."""
    return cast("HostChannel", _ScriptedChannel(frames, before))
