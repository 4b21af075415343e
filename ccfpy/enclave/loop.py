"""Receive events, step, send the effects: the whole life of an enclave.

Nothing happens between steps: the process sleeps until the host speaks. While the host
speaks often and says little at once, the process watches its pipe for a moment before.
The enclave ends when what it steps stops, when the channel ends, or when there is a
defect. The enclave then says where the defect is, but quotes no value: values may be
secrets.

Usually the enclave is a node, which several threads step in turn (`threads.py`). A
`BoundaryProtocol` names the messages of any kind.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns
from typing import Generic, Protocol, TypeAlias, TypeVar, final

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import FRAME_BYTES_MAX
from ccfpy.base.places import places_of
from ccfpy.boundary.batch_limits import (
    EVENTS_TOGETHER_MAX,
    WATCH_NS,
    WATCHED_EVENTS_MAX,
)
from ccfpy.boundary.effects import Effect, LogLevel, Stop, WriteLog
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader, Vocabulary
from ccfpy.enclave.channel import HostChannel

RECEIVE_BYTES = 1 << 20
PLACES_MAX = 8
"""Calls that a crash's description names, the innermost first."""

EventT = TypeVar("EventT")
EffectT = TypeVar("EffectT")
Event_contra = TypeVar("Event_contra", contravariant=True)
Effect_co = TypeVar("Effect_co", covariant=True)


class Defect(Exception):
    """Trusted code did what none may do; the text holds no value, and is logged."""


class StepsOf(Protocol[Event_contra, Effect_co]):
    """A state machine that turns events into effects."""

    def step(self, events: Sequence[Event_contra], /) -> Sequence[Effect_co]:
        """Process events and return the effects, in order."""
        ...


Steps: TypeAlias = StepsOf[Event, Effect]
"""A node."""


@final
class BoundaryProtocol(Generic[EventT, EffectT]):
    """What one kind of enclave and its host say to each other.

    Attributes:
        events: what the host may say to the enclave.
        effects: what the enclave may say to the host.
        last: what the enclave says last.
        refused: says that there will be no enclave, for a reason that is safe to log.
        crashed: says that there is none any more, without any of the error's values.
        frame_bytes_max: of what the host says at once.
    """

    __slots__ = ("crashed", "effects", "events", "frame_bytes_max", "last", "refused")

    def __init__(
        self,
        *,
        events: Vocabulary[EventT],
        effects: Vocabulary[EffectT],
        last: type[EffectT],
        refused: Callable[[str], EffectT],
        crashed: Callable[[BaseException], EffectT],
        frame_bytes_max: int = FRAME_BYTES_MAX,
    ) -> None:
        self.events = events
        self.effects = effects
        self.last = last
        self.refused = refused
        self.crashed = crashed
        self.frame_bytes_max = frame_bytes_max


class Conversation(Generic[EventT, EffectT]):
    """What one enclave and its host say to each other, in batches.

    One thread at a time may take what the host says, and another may take what comes
    next; the same holds for what is sent.
    """

    def __init__(
        self, protocol: BoundaryProtocol[EventT, EffectT], channel: HostChannel
    ) -> None:
        self._last = protocol.last
        self._encode = protocol.effects.encode
        self._decode = protocol.events.decode
        self._feed = FrameReader(protocol.frame_bytes_max).feed
        self._receive = channel.receive_into
        self._send = channel.send
        self._watch = channel.watch
        self._is_watching = False
        """Whether the host said little, and let the enclave wait a moment at most."""
        # One buffer for good: one of this size would be mapped and unmapped each time.
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._batches: deque[Sequence[EventT]] = deque()

    def next_events(self) -> Sequence[EventT]:
        """Wait for what the host says, and return as much as one step takes.

        Nothing is returned when the channel has ended.

        Raises:
            BoundaryViolation: the host broke the protocol.
        """
        batches = self._batches
        while not batches:
            began_ns = monotonic_ns()
            if self._is_watching:
                self._watch(WATCH_NS)
            count = self._receive(self._buffer)
            if not count:
                return ()
            waited_ns = monotonic_ns() - began_ns
            events: list[EventT] = []
            for body in self._feed(self._buffer[:count]):
                events += self._decode(body)
            is_little = len(events) <= WATCHED_EVENTS_MAX
            self._is_watching = is_little and waited_ns < 2 * WATCH_NS
            if 0 < len(events) <= EVENTS_TOGETHER_MAX:
                return events
            for first in range(0, len(events), EVENTS_TOGETHER_MAX):
                batches.append(events[first : first + EVENTS_TOGETHER_MAX])
        return batches.popleft()

    def send(self, effects: Sequence[EffectT]) -> bool:
        """Send what a step asks of the host; return whether the step was the last.

        Raises:
            OSError: the host is gone.
        """
        if not effects:
            return False
        self._send(self._encode(effects))
        return type(effects[-1]) is self._last

    def say(self, effect: EffectT) -> None:
        """Send the end's cause, if the host still listens."""
        # Nobody would read this if the host is gone.
        with contextlib.suppress(OSError):
            self._send(self._encode([effect]))


def serve(
    channel: HostChannel,
    build: Callable[[], Steps],
    *,
    started: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Build a node and step it until it stops, in one thread.

    Args:
        channel: to the host.
        build: makes the node; may raise ``CcfpyError`` with a text that is safe to log.
        started: called once, after the node's first step.
    """
    return serve_in(NODE, channel, build, started=started)


def serve_in(
    protocol: BoundaryProtocol[EventT, EffectT],
    channel: HostChannel,
    build: Callable[[], StepsOf[EventT, EffectT]],
    *,
    started: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Build an enclave of any kind and step it until it stops, as ``serve`` does."""
    return run(
        protocol, channel, lambda: partial(_drive_alone, build(), started=started)
    )


def run(
    protocol: BoundaryProtocol[EventT, EffectT],
    channel: HostChannel,
    begin: Callable[[], Callable[[Conversation[EventT, EffectT]], ExitCode]],
) -> ExitCode:
    """Begin an enclave and run it to its end; say why, if that is none of its own.

    Args:
        protocol: of this kind of enclave and its host.
        channel: to the host.
        begin: builds the enclave and returns what runs it; may raise ``CcfpyError``
            with a text that is safe to log.
    """
    conversation = Conversation(protocol, channel)
    try:
        converse = begin()
    except CcfpyError as refusal:
        conversation.say(protocol.refused(str(refusal)))
        return ExitCode.NOT_STARTED
    except BaseException as error:  # noqa: BLE001  # the rim
        conversation.say(protocol.crashed(error))
        return ExitCode.CRASHED
    try:
        return converse(conversation)
    except BaseException as error:  # noqa: BLE001  # the rim: leaving is one, too
        conversation.say(protocol.crashed(error))
        return ExitCode.CRASHED


def describe_crash(error: BaseException) -> str:
    """Return what kind of defect it was and where, without any value.

    No file is read for it: the process may have given up doing so.
    """
    places = places_of(error, places_max=PLACES_MAX)
    what = type(error).__name__
    if isinstance(error, BoundaryViolation | Defect):
        what += f" ({error})"  # written without values
    return f"Exception in the enclave: {what} at {places}"


def _drive_alone(
    machine: StepsOf[EventT, EffectT],
    conversation: Conversation[EventT, EffectT],
    *,
    started: Callable[[], None],
) -> ExitCode:
    """Step a machine in the calling thread until it stops."""
    next_events, send, step = conversation.next_events, conversation.send, machine.step
    is_first = True
    while events := next_events():
        if send(step(events)):
            return ExitCode.OK
        if is_first:
            is_first = False
            started()
    return ExitCode.OK


def _stopped(reason: str) -> Stop:
    return Stop(exit_code=ExitCode.NOT_STARTED, reason=reason)


def _logged(error: BaseException) -> WriteLog:
    return WriteLog(level=LogLevel.FATAL, message=describe_crash(error))


NODE: BoundaryProtocol[Event, Effect] = BoundaryProtocol(
    events=EVENTS, effects=EFFECTS, last=Stop, refused=_stopped, crashed=_logged
)
