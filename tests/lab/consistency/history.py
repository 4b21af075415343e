"""What clients of a service sent and what they were told, as data.

An *object* of the service, named by a key, is the sequence of the writes to it. Each
answer shows how many there are and the latest of them, the write's own last: a list
shows all, a register its version and the last two, a counter its count and this write
alone. So one form serves all kinds of objects.

A write has a number of its own that is never sent twice. A write without an answer may
have happened, or may still happen: nothing is concluded from a missing answer.

Events are in the order in which they happened, by one clock. As text, a
history is one JSON object a line.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject, dumps, loads_object
from ccfpy.consensus.status import TxStatus

EXCERPT_BYTES = 200

Op: TypeAlias = int
"""A request's number in its history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A client sends a request.

    Attributes:
        at_us: when, by the history's clock.
        client: that sends it.
        node: that it asks.
        op: the request's number; a write leaves it in the object.
        key: the object.
        is_write: whether it writes, or only reads.
    """

    at_us: int
    client: str
    node: str
    op: Op
    key: str
    is_write: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer arrives.

    Attributes:
        txid: of the write, or the last one that a read saw.
        count: how many writes the object has had.
        tail: the latest of them, in order; for a write at least itself.
    """

    at_us: int
    client: str
    node: str
    op: Op
    txid: TxId
    count: int
    tail: tuple[Op, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A client stops waiting for an answer; the write may have happened or not."""

    at_us: int
    client: str
    node: str
    op: Op
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSeen:
    """A node tells a client what it knows of a transaction."""

    at_us: int
    client: str
    node: str
    txid: TxId
    status: TxStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class InLedger:
    """A write as the final, committed ledger has it; in the ledger's order.

    Attributes:
        count: how many writes the object has had with this one.
    """

    txid: TxId
    key: str
    op: Op
    count: int


Event: TypeAlias = Sent | Answered | GivenUp | StatusSeen
Line: TypeAlias = Event | InLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A whole run.

    Attributes:
        events: what clients saw, in order.
        ledger: what the service has in the end, or None if unknown.
    """

    events: Sequence[Event]
    ledger: Sequence[InLedger] | None = None


def to_line(line: Line) -> bytes:
    """Write an event as a line of text."""
    fields: dict[str, object] = {"event": _NAMES[type(line)]}
    for name in line.__slots__:
        value = getattr(line, name)
        fields[name] = str(value) if isinstance(value, TxId) else value
    return dumps(fields) + b"\n"


def from_line(text: bytes) -> Line:
    """Read a line.

    Raises:
        Malformed: the line is no event.
    """
    fields = loads_object(text)
    read = _READERS.get(str(fields.get("event")))
    try:
        if read is not None:
            return read(fields)
    except (KeyError, TypeError, ValueError, Malformed) as error:
        raise Malformed(
            f"not an event of a history: {text[:EXCERPT_BYTES]!r}: {error}"
        ) from error
    raise Malformed(f"not an event of a history: {text[:EXCERPT_BYTES]!r}")


def write_history(history: History) -> Iterator[bytes]:
    """Yield a history line by line."""
    for event in history.events:
        yield to_line(event)
    for line in history.ledger or ():
        yield to_line(line)


def read_histories(parts: Iterable[Iterable[bytes]]) -> History:
    """Read a history that several recorders wrote by one clock.

    Raises:
        Malformed: a line is no event.
    """
    recorded: list[list[Event]] = []
    ledger: list[InLedger] = []
    for part in parts:
        events: list[Event] = []
        for text in part:
            line = from_line(text)
            if isinstance(line, InLedger):
                ledger.append(line)
            else:
                events.append(line)
        recorded.append(events)
    merged = heapq.merge(*recorded, key=attrgetter("at_us"))
    return History(events=list(merged), ledger=ledger or None)


def _number(value: Json) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a number, found {value!r}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value


def _sent(fields: JsonObject) -> Sent:
    is_write = fields["is_write"]
    if not isinstance(is_write, bool):
        raise TypeError(f"expected true or false, found {is_write!r}")
    return Sent(
        at_us=_number(fields["at_us"]),
        client=_text(fields["client"]),
        node=_text(fields["node"]),
        op=_number(fields["op"]),
        key=_text(fields["key"]),
        is_write=is_write,
    )


def _answered(fields: JsonObject) -> Answered:
    tail = fields["tail"]
    if not isinstance(tail, list):
        raise TypeError(f"expected a list, found {tail!r}")
    return Answered(
        at_us=_number(fields["at_us"]),
        client=_text(fields["client"]),
        node=_text(fields["node"]),
        op=_number(fields["op"]),
        txid=TxId.parse(_text(fields["txid"])),
        count=_number(fields["count"]),
        tail=tuple(_number(op) for op in tail),
    )


def _given_up(fields: JsonObject) -> GivenUp:
    return GivenUp(
        at_us=_number(fields["at_us"]),
        client=_text(fields["client"]),
        node=_text(fields["node"]),
        op=_number(fields["op"]),
        reason=_text(fields["reason"]),
    )


def _status_seen(fields: JsonObject) -> StatusSeen:
    return StatusSeen(
        at_us=_number(fields["at_us"]),
        client=_text(fields["client"]),
        node=_text(fields["node"]),
        txid=TxId.parse(_text(fields["txid"])),
        status=TxStatus(_text(fields["status"])),
    )


def _in_ledger(fields: JsonObject) -> InLedger:
    return InLedger(
        txid=TxId.parse(_text(fields["txid"])),
        key=_text(fields["key"]),
        op=_number(fields["op"]),
        count=_number(fields["count"]),
    )


_NAMES: Mapping[type[Line], str] = {
    Sent: "sent",
    Answered: "answered",
    GivenUp: "given_up",
    StatusSeen: "status_seen",
    InLedger: "in_ledger",
}
_READERS: Mapping[str, Callable[[JsonObject], Line]] = {
    "sent": _sent,
    "answered": _answered,
    "given_up": _given_up,
    "status_seen": _status_seen,
    "in_ledger": _in_ledger,
}
