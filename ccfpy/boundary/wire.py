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
from typing import Any, Generic, TypeVar, cast

import msgpack  # type: ignore[import-untyped]  # it ships no annotations

from ccfpy.base.limits import BATCH_MESSAGES_MAX, FRAME_BYTES_MAX
from ccfpy.boundary.effects import (
    AppendEntries,
    BeginLedger,
    CloseSession,
    CommitLedger,
    CommitSnapshot,
    Effect,
    EndCall,
    ForgetBlobs,
    ForgetPeer,
    IdentityMade,
    KeepSealedSecret,
    LedgerEntry,
    Log,
    OpenCall,
    OpenLedger,
    ReadBlob,
    ReadLedger,
    ReadSnapshot,
    RecoverLedger,
    SendCall,
    SendData,
    SendEntries,
    SendToPeer,
    SetPeer,
    Stop,
    StoreBlob,
    TruncateLedger,
    WriteSnapshot,
)
from ccfpy.boundary.events import (
    BlobRead,
    Boot,
    CallData,
    CallEnded,
    CallOpened,
    Event,
    LedgerRead,
    PeerMessage,
    SessionClosed,
    SessionData,
    SessionOpened,
    SnapshotRead,
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
    8: SnapshotRead,
    9: PeerMessage,
    10: CallOpened,
    11: CallData,
    12: CallEnded,
    13: BlobRead,
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
    10: BeginLedger,
    11: WriteSnapshot,
    12: CommitSnapshot,
    13: ReadSnapshot,
    14: SetPeer,
    15: ForgetPeer,
    16: SendToPeer,
    17: SendEntries,
    18: OpenCall,
    19: SendCall,
    20: EndCall,
    21: RecoverLedger,
    22: OpenLedger,
    23: StoreBlob,
    24: ReadBlob,
    25: ForgetBlobs,
    26: KeepSealedSecret,
}

Message = TypeVar("Message")
_Decode = Callable[[list[Any]], object]
_Encode = Callable[[object], object]


class Vocabulary(Generic[Message]):
    """One direction's messages: turns batches into frames and back."""

    __slots__ = ("_decoders", "_encoders", "_pack", "_pack_header")

    def __init__(self, kinds: Mapping[int, type]) -> None:
        self._encoders = {cls: _encoder(kind, cls) for kind, cls in kinds.items()}
        self._decoders = {kind: _decoder(cls) for kind, cls in kinds.items()}
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


# What every request needs is written out: the general way costs several times as much.
# Whatever is not as it should be is left to the general way, to say what is wrong. The
# tables below give the types; a cast would be a call for each message.


def _pair_decoder(build: Callable[..., object], plain: _Decode) -> _Decode:
    def decode(message: list[Any]) -> object:
        if len(message) == _PAIR:
            _, session, data = message
            if (
                type(session) is int
                and 0 <= session <= INTEGER_MAX
                and type(data) is bytes
            ):
                return build(session=session, data=data)
        return plain(message)

    return decode


def _append_entries_decoder(plain: _Decode) -> _Decode:
    def decode(message: list[Any]) -> object:
        try:
            _, first_seqno, items = message
            entries = [
                LedgerEntry(
                    data=data,
                    is_committable=is_committable,
                    closes_chunk_before=before,
                    closes_chunk_after=after,
                )
                for data, is_committable, before, after in items
                if type(data) is bytes
                and type(is_committable) is type(before) is type(after) is bool
            ]
        except (TypeError, ValueError):
            return plain(message)
        if (
            type(first_seqno) is int
            and 0 <= first_seqno <= INTEGER_MAX
            and type(items) is list
            and len(entries) == len(items)
        ):
            return AppendEntries(first_seqno=first_seqno, entries=tuple(entries))
        return plain(message)

    return decode


def _encode_session_data(event: Any) -> object:  # noqa: ANN401 - as said above
    return (4, event.session, event.data)


def _encode_send_data(effect: Any) -> object:  # noqa: ANN401 - as said above
    return (1, effect.session, effect.data)


def _encode_append_entries(effect: Any) -> object:  # noqa: ANN401 - as said above
    entries = [
        (
            entry.data,
            entry.is_committable,
            entry.closes_chunk_before,
            entry.closes_chunk_after,
        )
        for entry in effect.entries
    ]
    return (3, effect.first_seqno, entries)


_PAIR = 3
"""The length of a message of two fields, its kind included."""

_HOT_ENCODERS: Mapping[type, _Encode] = {
    SessionData: _encode_session_data,
    SendData: _encode_send_data,
    AppendEntries: _encode_append_entries,
}


def _decoder(cls: type) -> _Decode:
    plain = record_decoder(cls, cls.__name__, skip=1)
    if cls in (SessionData, SendData):
        return _pair_decoder(cls, plain)
    if cls is AppendEntries:
        return _append_entries_decoder(plain)
    return plain


EVENTS: Vocabulary[Event] = Vocabulary(EVENT_KINDS)
EFFECTS: Vocabulary[Effect] = Vocabulary(EFFECT_KINDS)
