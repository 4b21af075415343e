"""Frames: whole batches survive the wire, and nothing else gets through."""

import struct
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import NewType, Union, get_args, get_origin, get_type_hints

import msgpack  # type: ignore[import-untyped]  # it ships no annotations
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import (
    CloseSession,
    LogLevel,
    SendData,
    Stop,
    WriteLog,
)
from ccfpy.boundary.events import SessionClosed, SessionData, Tick
from ccfpy.boundary.shape import INTEGER_MAX, BoundaryViolation
from ccfpy.boundary.wire import (
    EFFECT_KINDS,
    EFFECTS,
    EVENT_KINDS,
    EVENTS,
    HEADER_BYTES,
    FrameReader,
    Vocabulary,
)


def _values(kind: object) -> st.SearchStrategy[object]:
    """Return any value of a type that a message's field may have."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{f.name: _values(hints[f.name]) for f in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(
            *(st.none() if part is NoneType else _values(part) for part in arguments)
        )
    if get_origin(kind) is tuple:
        if arguments[-1] is ...:
            return st.lists(_values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(_values, arguments))
    return {
        int: st.integers(0, INTEGER_MAX),
        str: st.text(max_size=8),
        bytes: st.binary(max_size=8),
        bool: st.booleans(),
    }[kind]  # type: ignore[index]  # any other type fails the test here


EVENT_BATCHES = st.lists(st.one_of(*map(_values, EVENT_KINDS.values())), max_size=4)
EFFECT_BATCHES = st.lists(st.one_of(*map(_values, EFFECT_KINDS.values())), max_size=4)
BODIES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=4),
        st.binary(max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
)


def _data(number: int, data: bytes = b"x") -> SessionData:
    return SessionData(session=SessionId(number), data=data)


def _body(*messages: object) -> bytes:
    return bytes(msgpack.packb(list(messages)))


@pytest.mark.slow
@settings(max_examples=200)
@given(EVENT_BATCHES)
def test_any_batch_of_events_comes_back_from_its_frame(batch: list) -> None:  # type: ignore[type-arg]  # of any event
    (body,) = FrameReader().feed(EVENTS.encode(batch))
    assert EVENTS.decode(body) == batch


@given(EFFECT_BATCHES)
def test_any_batch_of_effects_comes_back_from_its_frame(batch: list) -> None:  # type: ignore[type-arg]  # of any effect
    (body,) = FrameReader().feed(EFFECTS.encode(batch))
    assert EFFECTS.decode(body) == batch


@pytest.mark.slow
@settings(max_examples=300)
@given(BODIES)
def test_any_other_value_is_a_violation_or_a_batch_that_encodes_to_itself(
    value: object,
) -> None:
    body = bytes(msgpack.packb(value))
    try:
        batch = EVENTS.decode(body)
    except BoundaryViolation:
        return
    assert EVENTS.decode(EVENTS.encode(batch)[HEADER_BYTES:]) == batch


@given(st.binary(max_size=64))
def test_arbitrary_bytes_raise_nothing_but_a_violation(body: bytes) -> None:
    for vocabulary in (EVENTS, EFFECTS):
        try:
            vocabulary.decode(body)
        except BoundaryViolation:
            continue


@pytest.mark.slow
@given(EVENT_BATCHES, st.data())
def test_a_stream_may_be_cut_anywhere(batch: list, data: st.DataObject) -> None:  # type: ignore[type-arg]  # of any event
    stream = EVENTS.encode(batch) * 3
    reader, bodies = FrameReader(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        bodies += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert [EVENTS.decode(body) for body in bodies] == [batch] * 3


def test_a_partial_frame_is_held_back() -> None:
    reader, frame = FrameReader(), EVENTS.encode([_data(1)])
    assert reader.feed(frame[:-1]) == []
    assert [EVENTS.decode(body) for body in reader.feed(frame[-1:])] == [[_data(1)]]


def test_a_batch_that_does_not_fit_one_frame_becomes_several_in_order() -> None:
    batch = [_data(n, bytes(100)) for n in range(50)]
    stream = EVENTS.encode(batch, frame_bytes_max=400)
    bodies = FrameReader(400).feed(stream)
    assert len(bodies) > 10
    assert [event for body in bodies for event in EVENTS.decode(body)] == batch


def test_one_message_may_fill_a_frame() -> None:
    message = [SendData(session=SessionId(1), data=bytes(300))]
    frame = EFFECTS.encode(message)
    body_bytes = len(frame) - HEADER_BYTES
    assert EFFECTS.encode(message, frame_bytes_max=body_bytes) == frame
    with pytest.raises(BoundaryViolation, match="more than the"):
        EFFECTS.encode(message, frame_bytes_max=body_bytes - 1)


def test_one_message_that_does_not_fit_a_frame_is_a_violation() -> None:
    with pytest.raises(BoundaryViolation, match=r"SendData: .* more than the 400"):
        EFFECTS.encode(
            [SendData(session=SessionId(1), data=bytes(500))], frame_bytes_max=400
        )


def test_an_announced_frame_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(BoundaryViolation, match="a frame of 401 bytes"):
        FrameReader(400).feed(struct.pack("<I", 401))


@pytest.mark.parametrize("pieces", [1, 2])
def test_the_bound_on_a_frame_is_exact_however_it_comes(pieces: int) -> None:
    def feed(size: int) -> list[bytes]:
        frame, reader = struct.pack("<I", size) + bytes(size), FrameReader(400)
        middle = len(frame) // pieces
        return reader.feed(frame[:middle]) + reader.feed(frame[middle:])

    assert feed(400) == [bytes(400)]
    assert feed(0) == [b""]
    with pytest.raises(BoundaryViolation, match="a frame of 401 bytes"):
        feed(401)


MALFORMED = {
    "not msgpack": (b"\xc1", "not a batch"),
    "cut short": (_body([5, 1])[:-1], "not a batch"),
    "followed by more": (_body([5, 1]) + b"\x00", "not a batch"),
    "no list": (bytes(msgpack.packb(5)), "not a list"),
    "a map": (bytes(msgpack.packb({"a": 1})), "not a batch"),
    "an extension": (
        bytes(msgpack.packb([msgpack.ExtType(1, b"x")])),
        "not a batch",
    ),
    "a message that is no list": (_body(5), "not a list of its fields"),
    "an empty message": (_body([]), "not a list of its fields"),
    "an unknown kind": (_body([99, 1]), "unknown kind of message: 99"),
    "a kind of another type": (_body(["5", 1]), "unknown kind"),
    "a boolean kind": (_body([True, 1]), "unknown kind"),
    "a field too few": (_body([5]), "SessionClosed: expected 1 fields, found 0"),
    "a field too many": (_body([5, 1, 2]), "SessionClosed: expected 1 fields, found 2"),
    "text for a number": (_body([5, "1"]), "session: expected int, found str"),
    "a boolean for a number": (_body([5, True]), "session: expected int, found bool"),
    "a negative number": (_body([5, -1]), "out of range"),
    "a number beyond 63 bits": (_body([5, 1 << 63]), "out of range"),
    "a run of one list": (_body([4, [1]]), "a run of 1 lists, expected 2"),
    "a run of three lists": (_body([4, [1], [b""], []]), "a run of 3 lists"),
    "a run of no messages": (_body([4, [], []]), "no messages, or of two lengths"),
    "a run of more sessions": (_body([4, [1, 2], [b"x"]]), "of two lengths"),
    "a run of more data": (_body([4, [1], [b"x", b"y"]]), "of two lengths"),
    "one message that is no run": (_body([4, 1, b"x"]), "a run that is not two lists"),
    "a run of one session": (_body([4, 1, [b"x"]]), "a run that is not two lists"),
    "a run of text for bytes": (_body([4, [1], ["x"]]), "expected bytes, found str"),
    "a run of text for a session": (_body([4, ["1"], [b"x"]]), "is no number of one"),
    "a run of a negative session": (_body([4, [-1], [b"x"]]), "is no number of one"),
    "a run of a boolean session": (_body([4, [True], [b"x"]]), "is no number of one"),
    "a run of a session beyond 63 bits": (
        _body([4, [1 << 63], [b"x"]]),
        "is no number of one",
    ),
    "an unknown member of an enum": (_body([7, "Killed", False]), "kind: expected one"),
    "a number for a boolean": (_body([7, "Hangup", 0]), "is_notice: expected bool"),
    "something else for a list": (
        _body([6, 1, 1, 1, b"x"]),
        "entries: expected a list",
    ),
    "text inside a list of bytes": (
        _body([6, 1, 1, 1, ["x"]]),
        "entries: expected bytes, found str",
    ),
    "a float": (_body([2, 1.5, 1]), "monotonic_ms: expected int, found float"),
    "nothing": (_body([2, None, 1]), "monotonic_ms: expected int, found NoneType"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_batch_of_events_is_a_violation(name: str) -> None:
    body, reason = MALFORMED[name]
    with pytest.raises(BoundaryViolation, match=reason):
        EVENTS.decode(body)


@pytest.mark.slow
@pytest.mark.parametrize("beside", [[[4, [2], [b"y"]]], [[5, 2]]])
def test_all_messages_of_a_frame_together_are_bounded(beside: list[object]) -> None:
    most = limits.BATCH_MESSAGES_MAX - 1
    run = [4, [1] * most, [b"x"] * most]
    assert len(EVENTS.decode(_body(run, *beside))) == most + 1
    with pytest.raises(BoundaryViolation, match="more than 1048576 messages"):
        EVENTS.decode(_body(run, *beside, *beside))


@pytest.mark.parametrize("kind", [None, 0, -1, 1, "7", True])
def test_a_vocabulary_without_relayed_messages_knows_no_others(kind: object) -> None:
    vocabulary: Vocabulary[Tick] = Vocabulary({7: Tick})
    with pytest.raises(BoundaryViolation, match="unknown kind"):
        vocabulary.decode(_body([kind, [1], [b"x"]]))
    assert vocabulary.decode(_body([7, 1, 2])) == [Tick(monotonic_ms=1, unix_us=2)]


def test_a_violation_does_not_quote_what_was_sent() -> None:
    with pytest.raises(BoundaryViolation) as violation:
        EFFECTS.decode(_body([1, [1], ["a secret"]]))
    assert "secret" not in str(violation.value)


def test_an_effect_is_no_event() -> None:
    body = EFFECTS.encode(
        [WriteLog(level=LogLevel.INFO, message="hello")], frame_bytes_max=1000
    )[HEADER_BYTES:]
    assert len(EFFECTS.decode(body)) == 1
    with pytest.raises(BoundaryViolation):
        EVENTS.decode(body)


def test_every_kind_has_one_number() -> None:
    for kinds in (EVENT_KINDS, EFFECT_KINDS):
        assert len(set(kinds.values())) == len(kinds)
        assert sorted(kinds) == list(range(1, len(kinds) + 1))


def test_the_frame_of_a_batch_is_as_documented() -> None:
    frame = EVENTS.encode(
        [
            Tick(monotonic_ms=1, unix_us=2),
            _data(3),
            _data(4, b"y"),
            SessionClosed(session=SessionId(3)),
            _data(4),
        ]
    )
    body = msgpack.packb(
        [[2, 1, 2], [4, [3, 4], [b"x", b"y"]], [5, 3], [4, [4], [b"x"]]]
    )
    assert frame == struct.pack("<I", len(body)) + body
    frame = EFFECTS.encode(
        [CloseSession(session=SessionId(3)), Stop(exit_code=0, reason="asked")]
    )
    assert msgpack.unpackb(frame[4:]) == [[2, 3], [9, 0, "asked"]]


def test_text_that_is_no_unicode_crosses_as_text_that_is() -> None:
    frame = EFFECTS.encode(
        [WriteLog(level=LogLevel.INFO, message="half \ud800 a pair")]
    )
    (log,) = EFFECTS.decode(frame[HEADER_BYTES:])
    assert log == WriteLog(level=LogLevel.INFO, message="half \\ud800 a pair")
