"""Interfaces: what is declared can be said in its one form, and nothing else can."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgpack  # type: ignore[import-untyped]  # it ships no annotations
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import FRAME_BYTES_MAX
from ccfpy.boundary.wire import HEADER_BYTES, FrameReader
from ccfpy.toolkit.interfaces import (
    AtMost,
    BoundaryViolation,
    Interface,
    InterfaceRefused,
    UntrustedTime,
    allows,
    only_within,
    refuses,
)
from ccfpy.toolkit.interfaces.interface import OVERHEAD_BYTES, copied
from ccfpy.toolkit.interfaces.messages import (
    EFFECT_KINDS,
    EVENT_KINDS,
    Initialize,
    Run,
)

Word = Annotated[str, AtMost(8)]
Blob = Annotated[bytes, AtMost(16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: Word
    count: int


class _Trusted(Protocol):
    @refuses("unknown", "locked")
    async def put(self, entry: _Entry, blob: Blob) -> int: ...

    @only_within
    async def confirm(self) -> bool: ...

    async def forget(self, *, name: Word) -> None: ...


class _Host(Protocol):
    @allows("confirm")
    async def keep(self, blob: Blob) -> None: ...

    async def now(self) -> UntrustedTime: ...


PUTS: Interface[_Trusted, _Host] = Interface("puts", trusted=_Trusted, untrusted=_Host)
PUT, CONFIRM, FORGET = PUTS.trusted
KEEP, NOW = PUTS.untrusted

SCHEMA = """\
interface puts
call bytes at most 1048576
trusted put(entry: _Entry{name: text of at most 8, count: number}, \
blob: bytes of at most 16) -> number refuses unknown, locked
trusted confirm() -> flag only within
trusted forget(name: text of at most 8)
untrusted keep(blob: bytes of at most 16) allows confirm
untrusted now() -> UntrustedTime{claimed_unix_us: number}
events
"""


def _put(entry: object, blob: object, *, number: int = 1) -> object:
    arguments = PUT.function.arguments(entry=entry, blob=blob)
    message: object = PUT.call(number=number, of=0, arguments=arguments)
    return message


ENTRY = _Entry(name="a", count=1)


def test_the_schema_says_it_all() -> None:
    assert PUTS.schema.startswith(SCHEMA)
    events, effects = PUTS.schema.partition("events\n")[2].split("effects\n")
    assert len(events.splitlines()) == len(EVENT_KINDS) + 5
    assert len(effects.splitlines()) == len(EFFECT_KINDS) + 5


def test_the_digest_of_an_interface_is_the_same_for_everyone() -> None:
    again = Interface("puts", trusted=_Trusted, untrusted=_Host)
    assert again.schema_digest == PUTS.schema_digest
    assert len(PUTS.schema_digest) == 64


def _other(change: str) -> Interface[Any, Any]:
    """Return an interface of one function, with one thing changed."""
    kinds: dict[str, object] = {
        "field": Annotated[bytes, AtMost(9 if change == "bound" else 8)],
        "result": bool if change == "result" else int,
    }

    async def function(self: object, blob: object) -> object:
        raise NotImplementedError

    async def renamed(self: object, blub: object) -> object:
        raise NotImplementedError

    made: Any = renamed if change == "parameter" else function
    (name,) = set(made.__annotations__) - {"self", "return"}
    made.__annotations__ = {name: kinds["field"], "return": kinds["result"]}
    if change == "refusal":
        made = refuses("no")(made)
    members = {"other" if change == "function" else "function": made}
    return Interface(
        "another" if change == "name" else "one",
        trusted=type("Trusted", (), members),
        untrusted=type("Host", (), {}),
        call_bytes_max=1001 if change == "size" else 1000,
    )


CHANGES = ("", "name", "function", "parameter", "bound", "result", "refusal", "size")


def test_each_change_of_an_interface_changes_its_digest() -> None:
    digests = {_other(change).schema_digest for change in CHANGES}
    assert len(digests) == len(CHANGES)


# What goes across.


def test_a_call_arrives_as_it_was_sent() -> None:
    sent = [Initialize(schema="x"), Run(), _put(ENTRY, b"b")]
    (body,) = FrameReader(PUTS.frame_bytes_max).feed(PUTS.events.encode(sent))
    assert PUTS.events.decode(body) == sent


@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    count=st.integers(0, (1 << 63) - 1),
    blob=st.binary(max_size=16),
)
def test_whatever_fits_arrives(name: str, count: int, blob: bytes) -> None:
    message = _put(_Entry(name=name, count=count), blob)
    assert copied(PUTS.events, message) == message


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lookalike:
    name: str
    count: int


@pytest.mark.parametrize(
    ("entry", "blob", "reason"),
    [
        (ENTRY, bytes(17), "put.arguments.blob: 17, which is more than the 16"),
        (_Entry(name="x" * 9, count=1), b"", "entry.name: 9, which is more than the 8"),
        (ENTRY, "text", "put.arguments.blob: expected bytes, found str"),
        (ENTRY, None, "put.arguments.blob: expected bytes, found NoneType"),
        (_Entry(name="x", count=True), b"", "entry.count: expected int, found bool"),
        (_Entry(name="x", count=1.5), b"", "count: expected int, found float"),  # type: ignore[arg-type]  # wrong on purpose
        (_Entry(name="x", count=-1), b"", "entry.count: -1 is out of range"),
        (_Entry(name="x", count=1 << 63), b"", "is out of range"),
        (_Entry(name="x", count=1 << 64), b"", "a value without a form"),
        (("a", 1), b"", "a value without a form"),
        (ENTRY, object(), "a value without a form"),
        (_Lookalike(name="a", count=1), b"", "a value that is not of its type"),
        (_Entry(name="\udc80", count=1), b"", "a value that is not of its type"),
    ],
)
def test_what_does_not_fit_is_not_sent(
    entry: object, blob: object, reason: str
) -> None:
    with pytest.raises(BoundaryViolation, match=reason):
        copied(PUTS.events, _put(entry, blob))


def test_what_is_sent_is_the_copy_that_was_checked() -> None:
    changing = bytearray(b"before")
    sent: Any = copied(PUTS.events, _put(ENTRY, changing))
    changing[:] = b"after!"
    assert sent.arguments.blob == b"before"
    assert type(sent.arguments.blob) is bytes


def _body(*message: object) -> bytes:
    packed: bytes = msgpack.packb([list(message)])
    return packed


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ((16 + 3, 1, 0, []), "unknown kind of message: 19"),
        ((15,), "unknown kind of message: 15"),
        ((1040 + 2, 1, []), "unknown kind of message"),
        ((2000,), "unknown kind of message"),
        ((16, 1, 0), "put: expected 3 fields, found 2"),
        ((16, 1, 0, [["a", 1], b""], 4), "put: expected 3 fields, found 4"),
        ((16, 1, 0, [["a", 1]]), "put.arguments: expected 2 fields, found 1"),
        ((16, 1, 0, [["a", 1], b"", 1]), "put.arguments: expected 2 fields, found 3"),
        ((16, 1, 0, [["a", 1, 2], b""]), "entry: expected 2 fields, found 3"),
        ((16, 1, 0, [["a", "1"], b""]), "entry.count: expected int, found str"),
        ((16, 1, -1, [["a", 1], b""]), "put.of: -1 is out of range"),
        ((17, 1, 0, [1]), "confirm.arguments: expected 0 fields, found 1"),
        ((1040, 1, [1]), "keep.result: expected 0 fields, found 1"),
        ((1041, 1, [[]]), "now.result.result: expected 1 fields, found 0"),
    ],
)
def test_what_is_not_declared_cannot_be_said(
    message: tuple[object, ...], reason: str
) -> None:
    with pytest.raises(BoundaryViolation, match=reason):
        PUTS.events.decode(_body(*message))


def test_each_side_has_words_that_the_other_has_not() -> None:
    call = PUTS.events.encode([_put(ENTRY, b"")])[HEADER_BYTES:]
    with pytest.raises(BoundaryViolation):
        PUTS.effects.decode(call)
    with pytest.raises(BoundaryViolation):
        copied(PUTS.events, KEEP.answer(number=1, result=NOW.function.result(result=1)))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        ((ENTRY,), {}),
        ((ENTRY, b"", 3), {}),
        ((ENTRY, b""), {"blob": b""}),
        ((ENTRY,), {"blub": b""}),
    ],
)
def test_a_function_takes_the_arguments_that_it_declares(
    values: tuple[object, ...], named: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        PUT.gathered(values, named)
    both = PUT.gathered((), {"blob": b"", "entry": ENTRY})
    assert both == PUT.gathered((ENTRY, b""), {})


# How large it can be.


class _Nothing(Protocol):
    pass


def _sized(count: int, call_bytes_max: int) -> Interface[Any, Any]:
    async def take(self: object, blob: object) -> None:
        raise NotImplementedError

    take.__annotations__ = {
        "blob": Annotated[bytes, AtMost(count)],
        "return": type(None),
    }
    return Interface(
        "sized",
        trusted=type("Trusted", (), {"take": take}),
        untrusted=_Nothing,
        call_bytes_max=call_bytes_max,
    )


def test_a_call_that_could_be_too_large_is_refused_where_it_is_declared() -> None:
    heads = 10
    _sized(1000 - heads, 1000)
    with pytest.raises(
        InterfaceRefused, match="a call of take may take 1001 bytes, more than the 1000"
    ):
        _sized(1001 - heads, 1000)


def test_the_largest_call_fits_a_frame_and_no_larger_frame_is_taken() -> None:
    sized = _sized(990, 1000)
    (take,) = sized.trusted
    arguments = take.function.arguments(blob=bytes(990))
    greatest = (1 << 63) - 1
    frame = sized.events.encode(
        [take.call(number=greatest, of=greatest, arguments=arguments)]
    )
    assert len(FrameReader(sized.frame_bytes_max).feed(frame)) == 1
    limit = sized.frame_bytes_max
    FrameReader(limit).feed(limit.to_bytes(4, "little"))
    with pytest.raises(BoundaryViolation, match="a frame of"):
        FrameReader(limit).feed((limit + 1).to_bytes(4, "little"))


@pytest.mark.parametrize("size", [0, -1, FRAME_BYTES_MAX - OVERHEAD_BYTES + 1])
def test_calls_have_a_size_that_can_be(size: int) -> None:
    with pytest.raises(InterfaceRefused, match=f"calls of at most {size} bytes"):
        Interface("n", trusted=_Nothing, untrusted=_Nothing, call_bytes_max=size)
    most = FRAME_BYTES_MAX - OVERHEAD_BYTES
    Interface("n", trusted=_Nothing, untrusted=_Nothing, call_bytes_max=most)


# What calls what.


class _Plain(Protocol):
    async def f(self) -> None: ...


class _Within(Protocol):
    @only_within
    async def f(self) -> None: ...


class _Allows(Protocol):
    @allows("f")
    async def g(self) -> None: ...


class _AllowsOther(Protocol):
    @allows("h")
    async def g(self) -> None: ...


@pytest.mark.parametrize(
    ("trusted", "untrusted", "reason"),
    [
        (_Plain, _AllowsOther, "g allows what is not declared: h"),
        (_Within, _Plain, "nothing allows f, so that it could never be called"),
        (_Plain, _Within, "f is the host's, which is within none"),
        (_Allows, _Plain, "g is the enclave's, which allows none"),
    ],
)
def test_what_calls_what_must_hold_together(
    trusted: Any,  # noqa: ANN401  # a class of functions
    untrusted: Any,  # noqa: ANN401  # likewise
    reason: str,
) -> None:
    with pytest.raises(InterfaceRefused, match=reason):
        Interface("wrong", trusted=trusted, untrusted=untrusted)
    Interface("right", trusted=_Within, untrusted=_Allows)


def test_a_time_of_the_hosts_is_no_number_and_has_no_order() -> None:
    early, late = (UntrustedTime(claimed_unix_us=at) for at in (1, 2))
    for wrong in (
        lambda: early < late,  # type: ignore[operator]  # wrong on purpose
        lambda: late - early,  # type: ignore[operator]  # wrong on purpose
        lambda: early + 5,  # type: ignore[operator]  # wrong on purpose
        lambda: int(early),  # type: ignore[call-overload]  # wrong on purpose
    ):
        with pytest.raises(TypeError):
            wrong()
    assert early != UntrustedTime(claimed_unix_us=2)
