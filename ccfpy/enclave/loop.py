"""Receive events, step, send the effects: the whole life of an enclave.

Nothing happens between steps; the process sleeps until the host speaks. It ends when
what it steps stops, when the channel ends, or when there is a defect. The enclave then
says where the defect is, but quotes no value: values may be secrets.

Usually the enclave is a node. A `BoundaryProtocol` names the messages of any kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import FRAME_BYTES_MAX
from ccfpy.base.places import places_of
from ccfpy.boundary.effects import Effect, LogLevel, Stop, WriteLog
from ccfpy.boundary.ending import ExitCode
from ccfpy.boundary.events import Event
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader, Vocabulary
from ccfpy.enclave.channel import HostChannel

RECEIVE_BYTES = 1 << 20
EVENTS_PER_STEP = 64
"""What the host says at once may be a thousand handshakes, a second of work: in parts,
the first answers leave meanwhile, and their clients go on beside the enclave."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
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

    events: Vocabulary[EventT]
    effects: Vocabulary[EffectT]
    last: type[EffectT]
    refused: Callable[[str], EffectT]
    crashed: Callable[[Exception], EffectT]
    frame_bytes_max: int = FRAME_BYTES_MAX


def serve(
    channel: HostChannel,
    build: Callable[[], Steps],
    *,
    started: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Build a node and step it until it stops.

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
    try:
        machine = build()
    except CcfpyError as refusal:
        _say(protocol, channel, protocol.refused(str(refusal)))
        return ExitCode.NOT_STARTED
    except Exception as error:  # noqa: BLE001  # the rim
        _say(protocol, channel, protocol.crashed(error))
        return ExitCode.CRASHED
    try:
        return _serve(protocol, channel, machine, started)
    except Exception as error:  # noqa: BLE001  # the rim
        _say(protocol, channel, protocol.crashed(error))
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


def _serve(
    protocol: BoundaryProtocol[EventT, EffectT],
    channel: HostChannel,
    machine: StepsOf[EventT, EffectT],
    started: Callable[[], None],
) -> ExitCode:
    reader = FrameReader(protocol.frame_bytes_max)
    receive, feed, step = channel.receive_into, reader.feed, machine.step
    decode, encode, last = (
        protocol.events.decode,
        protocol.effects.encode,
        protocol.last,
    )
    # One buffer for good: one of this size would be mapped and unmapped each time.
    buffer = memoryview(bytearray(RECEIVE_BYTES))
    is_first = True
    while count := receive(buffer):
        events: list[EventT] = []
        for body in feed(buffer[:count]):
            events += decode(body)
        for batch in _batches(events):
            effects = step(batch)
            if effects:
                channel.send(encode(effects))
                if type(effects[-1]) is last:
                    return ExitCode.OK
            if is_first:
                is_first = False
                started()
    return ExitCode.OK


def _batches(events: list[EventT]) -> Sequence[list[EventT]]:
    """Part events into as many as one step takes, in order; none if there are none."""
    if len(events) <= EVENTS_PER_STEP:
        return (events,) if events else ()
    return [
        events[first : first + EVENTS_PER_STEP]
        for first in range(0, len(events), EVENTS_PER_STEP)
    ]


def _say(
    protocol: BoundaryProtocol[EventT, EffectT], channel: HostChannel, effect: EffectT
) -> None:
    try:
        channel.send(protocol.effects.encode([effect]))
    except OSError:
        # The host is gone, so nobody would read this.
        return


def _stopped(reason: str) -> Stop:
    return Stop(exit_code=ExitCode.NOT_STARTED, reason=reason)


def _logged(error: Exception) -> WriteLog:
    return WriteLog(level=LogLevel.FATAL, message=describe_crash(error))


NODE: BoundaryProtocol[Event, Effect] = BoundaryProtocol(
    events=EVENTS, effects=EFFECTS, last=Stop, refused=_stopped, crashed=_logged
)
