"""Batches of messages as bytes: frames between host and enclave.

A frame is a little-endian ``u32`` of the bytes that follow and a msgpack list of
messages; a message is a list of its kind's number and its fields. A frame is one batch
for one ``step``; a batch too large for one frame becomes several, in order.

Whoever receives a frame that breaks a rule (too large, not msgpack, an unknown kind, a
field that does not fit) raises ``BoundaryViolation`` and must stop: there is no way to
resynchronise with a peer that does not keep the protocol.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import msgpack  # type: ignore[import-untyped]  # it ships no annotations

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import BATCH_MESSAGES_MAX, FRAME_BYTES_MAX
from ccfpy.boundary.effects import (
    AppendEntries,
    CloseSession,
    CommitLedger,
    Effect,
    IdentityMade,
    Log,
    ReadLedger,
    SendData,
    Stop,
    TruncateLedger,
)
from ccfpy.boundary.events import (
    Boot,
    Event,
    LedgerRead,
    SessionClosed,
    SessionData,
    SessionOpened,
    StopRequested,
    Tick,
)
from ccfpy.boundary.shape import (
    INTEGER_MAX,
    BoundaryViolation,
    encoder,
    record_decoder,
)

HEADER_BYTES = 4
_HEADER = struct.Struct("<I")

EVENT_KINDS: Mapping[int, type] = {
    1: Boot,
    2: Tick,
    3: SessionOpened,
    4: SessionData,
    5: SessionClosed,
    6: LedgerRead,
    7: StopRequested,
}
EFFECT_KINDS: Mapping[int, type] = {
    1: SendData,
    2: CloseSession,
    3: AppendEntries,
    4: CommitLedger,
    5: TruncateLedger,
    6: ReadLedger,
    7: IdentityMade,
    8: Log,
    9: Stop,
}

Message = TypeVar("Message", Event, Effect)
_Decode = Callable[[list[object]], object]
_Encode = Callable[[object], object]


class Vocabulary(Generic[Message]):
    """One direction's messages: turns batches into frames and back."""

    __slots__ = ("_decoders", "_encoders", "_pack", "_pack_header")

    def __init__(self, kinds: Mapping[int, type]) -> None:
        self._encoders = {cls: _encoder(kind, cls) for kind, cls in kinds.items()}
        self._decoders = {
            kind: _HOT_DECODERS.get(cls) or record_decoder(cls, cls.__name__, skip=1)
            for kind, cls in kinds.items()
        }
        # Text that JavaScript made may be no Unicode; a log line is no reason to stop.
        self._pack = msgpack.Packer(unicode_errors="backslashreplace").pack
        self._pack_header = _HEADER.pack

    def encode(
        self, batch: Sequence[Message], *, frame_bytes_max: int = FRAME_BYTES_MAX
    ) -> bytes:
        """Write a batch as one frame, or as several if it is too large for one.

        Raises:
            BoundaryViolation: one message alone is too large.
        """
        encoders = self._encoders
        body = cast(
            "bytes", self._pack([encoders[type(message)](message) for message in batch])
        )
        if len(body) <= frame_bytes_max:
            return self._pack_header(len(body)) + body
        if len(batch) == 1:
            raise BoundaryViolation(
                f"{type(batch[0]).__name__}: {len(body)} bytes, "
                f"which is more than the {frame_bytes_max} that fit a frame"
            )
        middle = len(batch) // 2
        return self.encode(
            batch[:middle], frame_bytes_max=frame_bytes_max
        ) + self.encode(batch[middle:], frame_bytes_max=frame_bytes_max)

    def decode(self, body: bytes) -> list[Message]:
        """Read one frame's batch, without its header.

        Raises:
            BoundaryViolation: it breaks a rule.
        """
        decoders = self._decoders
        batch: list[object] = []
        for message in _unpack(body):
            if type(message) is not list or not message:
                raise BoundaryViolation("a message that is not a list of its fields")
            kind = message[0]
            decode = decoders.get(kind) if type(kind) is int else None
            if decode is None:
                raise BoundaryViolation(f"unknown kind of message: {kind!r:.32}")
            batch.append(decode(message))
        return cast("list[Message]", batch)


class FrameReader:
    """Cuts a stream of bytes into frames."""

    __slots__ = ("_frame_bytes_max", "_pending")

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._pending = bytearray()
        self._frame_bytes_max = frame_bytes_max

    @property
    def has_partial_frame(self) -> bool:
        """Whether the stream so far ends in the middle of a frame."""
        return bool(self._pending)

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """Take the next bytes; give the bodies of the frames they complete.

        Raises:
            BoundaryViolation: a frame is announced that is too large.
        """
        pending = self._pending
        if pending:
            pending += data
            bodies, used = self._cut(memoryview(pending))
            del pending[:used]
            return bodies
        # Mostly the bytes are whole frames, and need no copy but the bodies' own.
        bodies, used = self._cut(memoryview(data))
        pending += data[used:]
        return bodies

    def _cut(self, view: memoryview) -> tuple[list[bytes], int]:
        with view:
            bodies: list[bytes] = []
            start, size = 0, len(view)
            while size - start >= HEADER_BYTES:
                (length,) = _HEADER.unpack_from(view, start)
                if length > self._frame_bytes_max:
                    raise BoundaryViolation(
                        f"a frame of {length} bytes, "
                        f"which is more than the {self._frame_bytes_max} allowed"
                    )
                stop = start + HEADER_BYTES + length
                if stop > size:
                    break
                bodies.append(bytes(view[start + HEADER_BYTES : stop]))
                start = stop
            return bodies, start


def _unpack(body: bytes) -> list[object]:
    try:
        batch = msgpack.unpackb(
            body,
            max_array_len=BATCH_MESSAGES_MAX,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BoundaryViolation(f"not a batch of messages: {error!s:.80}") from None
    if type(batch) is not list:
        raise BoundaryViolation("a frame that is not a list of messages")
    return batch


def _encoder(kind: int, cls: type) -> _Encode:
    hot = _HOT_ENCODERS.get(cls)
    if hot is not None:
        return hot
    encode = encoder(cls)
    assert encode is not None
    return lambda message: [kind, *cast("list[object]", encode(message))]


# The two messages of every request are written out: the general way costs double.


def _decode_session_data(message: list[object]) -> SessionData:
    session, data = _session_and_bytes("SessionData", message)
    return SessionData(session=session, data=data)


def _decode_send_data(message: list[object]) -> SendData:
    session, data = _session_and_bytes("SendData", message)
    return SendData(session=session, data=data)


def _session_and_bytes(name: str, message: list[object]) -> tuple[SessionId, bytes]:
    try:
        _, session, data = message
    except ValueError:
        raise BoundaryViolation(
            f"{name}: expected 2 fields, found {len(message) - 1}"
        ) from None
    if type(session) is not int or not 0 <= session <= INTEGER_MAX:
        raise BoundaryViolation(f"{name}.session: expected a session's number")
    if type(data) is not bytes:
        raise BoundaryViolation(
            f"{name}.data: expected bytes, found {type(data).__name__}"
        )
    return SessionId(session), data


def _encode_session_data(message: object) -> object:
    event = cast("SessionData", message)
    return (4, event.session, event.data)


def _encode_send_data(message: object) -> object:
    effect = cast("SendData", message)
    return (1, effect.session, effect.data)


_HOT_DECODERS: Mapping[type, _Decode] = {
    SessionData: _decode_session_data,
    SendData: _decode_send_data,
}
_HOT_ENCODERS: Mapping[type, _Encode] = {
    SessionData: _encode_session_data,
    SendData: _encode_send_data,
}

EVENTS: Vocabulary[Event] = Vocabulary(EVENT_KINDS)
EFFECTS: Vocabulary[Effect] = Vocabulary(EFFECT_KINDS)
