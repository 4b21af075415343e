"""Frames between host and enclave: encodes and decodes batches of messages.

A frame is a little-endian ``u32``, the number of bytes that follow, and a msgpack list
of messages. A message is a list of its kind's number and its fields. A frame is the
batch of one ``step``; a batch too large for one frame becomes several, in order.

Most messages are bytes from clients or for clients. Consecutive ones are combined into
one list (a run): their kind's number, the list of their sessions, the list of their
bytes.

The receiver of a frame that breaks a rule (too large, not msgpack, an unknown kind, a
field that does not fit) raises ``BoundaryViolation`` and must stop: there is no way to
resynchronise with a peer that breaks the protocol.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import msgpack  # type: ignore[import-untyped]  # it ships no annotations

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import BATCH_MESSAGES_MAX, FRAME_BYTES_MAX
from ccfpy.boundary import effects, events
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.hot_codecs import (
    AppendLedger,
    SendData,
    SessionData,
    Tick,
    WriteLog,
)
from ccfpy.boundary.shape import (
    INTEGER_MAX,
    BoundaryViolation,
    encoder,
    record_decoder,
)

_HEADER: Final = struct.Struct("<I")
_PACK_SIZE: Final = _HEADER.pack
_SIZE_FROM: Final = _HEADER.unpack_from
HEADER_BYTES: Final = 4
_RUN: Final = 3
"""The length of the list for a run of relayed messages."""
_INTEGER_BITS: Final = INTEGER_MAX.bit_length()
_read: Final = msgpack.unpackb

EVENT_KINDS: Mapping[int, type] = {
    1: events.Boot,
    2: Tick,
    3: events.SessionOpened,
    4: SessionData,
    5: events.SessionClosed,
    6: events.LedgerRead,
    7: events.StopRequested,
    8: events.SnapshotRead,
    9: events.PeerMessage,
    10: events.CallOpened,
    11: events.CallData,
    12: events.CallEnded,
    13: events.BlobRead,
    14: events.SessionWritten,
    15: events.Woken,
    16: events.ScrapeMetrics,
}
EFFECT_KINDS: Mapping[int, type] = {
    1: SendData,
    2: effects.CloseSession,
    3: AppendLedger,
    4: effects.CommitLedger,
    5: effects.TruncateLedger,
    6: effects.ReadLedger,
    7: effects.IdentityMade,
    8: WriteLog,
    9: effects.Stop,
    10: effects.BeginLedger,
    11: effects.WriteSnapshot,
    12: effects.CommitSnapshot,
    13: effects.ReadSnapshot,
    14: effects.SetPeer,
    15: effects.ForgetPeer,
    16: effects.SendToPeer,
    17: effects.SendEntries,
    18: effects.OpenCall,
    19: effects.SendCall,
    20: effects.EndCall,
    21: effects.RecoverLedger,
    22: effects.OpenLedger,
    23: effects.StoreBlob,
    24: effects.ReadBlob,
    25: effects.ForgetBlobs,
    26: effects.KeepSealedSecret,
    27: effects.ReadMore,
    28: effects.Wake,
    29: effects.DescribeMetrics,
    30: effects.ReportMetrics,
    31: effects.ReportTrace,
    32: effects.KeepSession,
}

Message = TypeVar("Message")
_Decode = Callable[[list[Any]], object]
_Encode = Callable[[Any], object]


class Vocabulary(Generic[Message]):
    """The messages of one direction: turns batches into frames and back.

    Args:
        kinds: every kind of message by its number.
        relayed: the number of the kind whose messages are combined into runs:
            ``SessionData``, ``SendData`` or none.
    """

    def __init__(
        self, kinds: Mapping[int, type], *, relayed: int | None = None
    ) -> None:
        self._encoders = {cls: _encoder(kind, cls) for kind, cls in kinds.items()}
        self._decoders = {kind: _decoder(cls) for kind, cls in kinds.items()}
        # Text from JavaScript may hold lone surrogates; a log line of them must not
        # stop the node.
        self._pack = msgpack.Packer(unicode_errors="backslashreplace").pack
        relay = None if relayed is None else kinds[relayed]
        assert relay in (None, SessionData, SendData), "no other is relayed"
        self._relayed = relayed
        self._is_inward = relay is SessionData

    def encode(
        self, batch: Sequence[Message], *, frame_bytes_max: int = FRAME_BYTES_MAX
    ) -> bytes:
        """Write a batch as one frame, or as several if it is too large for one.

        Raises:
            BoundaryViolation: one message alone is too large.
        """
        encoders, relayed = self._encoders, self._relayed
        messages: list[object] = []
        sessions: list[int] = []
        data: list[bytes] = []
        message: Any
        for message in batch:
            if type(message) is SendData or type(message) is SessionData:
                if not sessions:
                    messages.append((relayed, sessions, data))
                sessions.append(message.session)
                data.append(message.data)
                continue
            if sessions:
                sessions, data = [], []
            messages.append(encoders[type(message)](message))
        body: bytes = self._pack(messages)
        if len(body) <= frame_bytes_max:
            return _PACK_SIZE(len(body)) + body
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
        """Return the messages of one frame.

        Args:
            body: the frame without its header.

        Raises:
            BoundaryViolation: the frame breaks a rule.
        """
        batch: list[Any] = []
        for message in _unpack(body):
            if type(message) is not list or not message:
                raise BoundaryViolation("a message that is not a list of its fields")
            kind = message[0]
            if type(kind) is not int:
                raise BoundaryViolation(f"unknown kind of message: {kind!r:.32}")
            if kind == self._relayed:
                self._decode_run(message, batch)
                continue
            decode = self._decoders.get(kind)
            if decode is None:
                raise BoundaryViolation(f"unknown kind of message: {kind}")
            _check_room(batch, 1)
            batch.append(decode(message))
        return batch

    def _decode_run(self, message: list[Any], batch: list[Any]) -> None:
        """Add the messages of a run to a batch."""
        if len(message) != _RUN:
            raise BoundaryViolation(f"a run of {len(message) - 1} lists, expected 2")
        _, sessions, all_data = message
        if type(sessions) is not list or type(all_data) is not list:
            raise BoundaryViolation("a run that is not two lists")
        if not 0 < len(sessions) == len(all_data):
            raise BoundaryViolation("a run of no messages, or of two lengths")
        _check_room(batch, len(sessions))
        is_inward = self._is_inward
        session: object
        for at, session in enumerate(sessions):
            data: object = all_data[at]
            # Checks 0 to INTEGER_MAX; a comparison with so large a number is slower.
            if type(session) is not int or session >> _INTEGER_BITS != 0:
                raise BoundaryViolation("a session in a run that is no number of one")
            if type(data) is not bytes:
                raise BoundaryViolation(
                    f"data in a run: expected bytes, found {type(data).__name__}"
                )
            number = SessionId(session)
            batch.append(
                SessionData(number, data) if is_inward else SendData(number, data)
            )


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._pending = bytearray()
        self._frame_bytes_max = frame_bytes_max

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """Add the next bytes and return the bodies of the frames they complete.

        Raises:
            BoundaryViolation: a header states a size that is too large.
        """
        pending = self._pending
        size = len(data)
        if not pending and size >= HEADER_BYTES:
            # The usual case: the bytes are exactly one frame.
            length: int = _SIZE_FROM(data)[0]
            if length + HEADER_BYTES == size and length <= self._frame_bytes_max:
                return [bytes(data[HEADER_BYTES:])]
        if pending:
            pending += data
            bodies, used = self._cut(memoryview(pending))
            del pending[:used]
            return bodies
        bodies, used = self._cut(memoryview(data))
        pending += data[used:]
        return bodies

    def _cut(self, view: memoryview) -> tuple[list[bytes], int]:
        with view:
            bodies: list[bytes] = []
            start, size = 0, len(view)
            while size - start >= HEADER_BYTES:
                length: int = _SIZE_FROM(view, start)[0]
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


def _check_room(batch: list[Any], more: int) -> None:
    """Check that a batch may hold ``more`` messages in addition.

    Raises:
        BoundaryViolation: the batch would be too long.
    """
    if len(batch) + more > BATCH_MESSAGES_MAX:
        raise BoundaryViolation(f"more than {BATCH_MESSAGES_MAX} messages")


def _unpack(body: bytes) -> list[object]:
    try:
        batch = _read(
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
    encode = encoder(cls)
    assert encode is not None
    return lambda message: [kind, *cast("Sequence[object]", encode(message))]


def _decoder(cls: type) -> _Decode:
    return record_decoder(cls, cls.__name__, skip=1)


EVENTS: Vocabulary[Event] = Vocabulary(EVENT_KINDS, relayed=4)
EFFECTS: Vocabulary[Effect] = Vocabulary(EFFECT_KINDS, relayed=1)
