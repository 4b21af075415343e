"""Receive a batch, step the node, send what it asks: the whole life of the enclave.

Nothing happens between steps; the process sleeps until the host speaks. It ends when
the node stops, when the channel ends, or when something is wrong, in which case it says
where, and never what: a traceback's values may be secrets.
"""

import socket
import traceback
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.effects import Effect, Log, LogLevel, Stop
from ccfpy.boundary.events import Event
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader

RECEIVE_BYTES = 1 << 20


class Steps(Protocol):
    """A node: a state machine that turns events into effects."""

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Take some events; give what is to be done, in order."""
        ...


class ExitCode(IntEnum):
    """How the enclave's process ends."""

    OK = 0
    CRASHED = 1
    NOT_STARTED = 2


def serve(
    channel: socket.socket,
    build: Callable[[], Steps],
    *,
    started: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Build a node and step it until it stops.

    Args:
        channel: the socket to the host.
        build: makes the node; may raise ``CcfpyError`` with a text that is safe to log.
        started: called once, after the node's first step.
    """
    try:
        node = build()
    except CcfpyError as refusal:
        return _refuse(channel, str(refusal))
    except Exception as error:  # noqa: BLE001  # the rim
        return _crash(channel, error)
    try:
        return _serve(channel, node, started)
    except Exception as error:  # noqa: BLE001  # the rim
        return _crash(channel, error)


def describe_crash(error: BaseException) -> str:
    """Say what kind of defect it was and where, without any value."""
    places = " < ".join(
        f"{frame.filename.rpartition('ccfpy/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)[-8:])
    )
    what = type(error).__name__
    if isinstance(error, BoundaryViolation):
        what += f" ({error})"  # written without values
    return f"Exception in the enclave: {what} at {places}"


def _serve(
    channel: socket.socket, node: Steps, started: Callable[[], None]
) -> ExitCode:
    reader = FrameReader()
    receive, feed, decode = channel.recv_into, reader.feed, EVENTS.decode
    # One buffer for good: one of this size would be mapped and unmapped each time.
    buffer = memoryview(bytearray(RECEIVE_BYTES))
    is_first = True
    while count := receive(buffer):
        events = [event for body in feed(buffer[:count]) for event in decode(body)]
        if not events:
            continue
        effects = node.step(events)
        if effects:
            channel.sendall(EFFECTS.encode(effects))
            if type(effects[-1]) is Stop:
                return ExitCode.OK
        if is_first:
            is_first = False
            started()
    return ExitCode.OK


def _refuse(channel: socket.socket, reason: str) -> ExitCode:
    _say(channel, [Stop(exit_code=ExitCode.NOT_STARTED, reason=reason)])
    return ExitCode.NOT_STARTED


def _crash(channel: socket.socket, error: Exception) -> ExitCode:
    _say(channel, [Log(level=LogLevel.FATAL, message=describe_crash(error))])
    return ExitCode.CRASHED


def _say(channel: socket.socket, effects: list[Effect]) -> None:
    try:
        channel.sendall(EFFECTS.encode(effects))
    except OSError:
        # The host is gone, and with it whoever would have read this.
        return
