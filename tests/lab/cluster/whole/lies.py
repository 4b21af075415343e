"""What a dishonest host or network does to what passes through it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ccfpy.base.ids import Seqno
from ccfpy.boundary.events import Event, LedgerRead, PeerMessage, SnapshotRead


@dataclass(slots=True, kw_only=True)
class BentMessage(PeerMessage):
    """A message that is not what its sender sent: it may be refused."""


def changed(data: bytes, at: int) -> bytes:
    """Change one byte, counted from the end and around."""
    if not data:
        return data
    place = len(data) - 1 - at % len(data)
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def digit_changed(data: bytes, at: int) -> bytes:
    """Change one digit, so that text stays what it was: hexadecimal, base64, JSON."""
    place = len(data) - 1 - at % len(data)
    digits = [i for i in range(place, -1, -1) if data[i : i + 1].isdigit()]
    return changed(data, len(data) - 1 - digits[0]) if digits else b""


def bent(message: PeerMessage, at: int) -> PeerMessage:
    """Change a byte of a message."""
    return BentMessage(
        kind=message.kind,
        sender=message.sender,
        payload=changed(message.payload, at),
    )


def kind_of(answer: Event) -> str:
    """Return what a host can be told to lie about with this answer, if anything."""
    if isinstance(answer, LedgerRead) and answer.entries:
        return "ledger"
    if isinstance(answer, SnapshotRead) and answer.data:
        return "snapshot"
    return ""


def lied(answer: Event, how: int, *, lost: Mapping[Seqno, bytes]) -> Event:
    """Change an answer.

    Args:
        answer: of a host that has what it was asked for.
        how: which byte; 0 for another entry in an entry's place, or nothing at all.
        lost: entries that were written and taken back, by seqno.
    """
    if isinstance(answer, SnapshotRead):
        return replace(answer, data=digit_changed(answer.data, how) if how else b"")
    assert isinstance(answer, LedgerRead), answer
    entries = list(answer.entries or ())
    at = how % len(entries)
    if how:
        entries[at] = changed(entries[at], how)
    else:
        known = [i for i in range(len(entries)) if answer.first + i in lost]
        if not known:
            return replace(answer, last=answer.last, entries=None)
        for i in known:
            entries[i] = lost[answer.first + i]
    return replace(answer, entries=tuple(entries))
