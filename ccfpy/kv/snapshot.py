"""Whole states of maps as bytes: the domains of a snapshot.

Both domains hold map blocks: name, the map's version, and its state. A state is its
entries back to back, key and value each padded to eight bytes, in the order of the low
32 bits of the keys' SipHash; readers accept any order. The public domain has a header
in front. The framing, encryption and receipt of the file are the ledger's business.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.kv.codec import EntryType
from ccfpy.kv.siphash import siphash_2_4_many

ORDER_K0 = 0x7720796F726C694B
ORDER_K1 = 0x2165726568207361
_ALIGNMENT = 8
_REMOVED = 1 << 63
"""Old writers kept removed keys, with versions that are negative when read signed."""

Entry = tuple[bytes, Seqno, bytes]
"""Key, seqno of the write, value."""


class MapSnapshot(NamedTuple):
    """One map at one version."""

    name: str
    version: Seqno
    """The seqno that last changed the map."""
    entries: Sequence[Entry]


class PublicSnapshot(NamedTuple):
    """What the clear part of a snapshot says."""

    version: Seqno
    leaf: bytes
    """The Merkle leaf of the snapshot's seqno."""
    view_history: tuple[Seqno, ...]
    """First seqno of each view, from view 1."""
    maps: tuple[MapSnapshot, ...]


def public_head(version: Seqno, leaf: bytes, view_history: Iterable[Seqno]) -> bytes:
    """Write what stands before the maps in a snapshot's public domain."""
    return b"".join(
        (
            bytes((EntryType.SNAPSHOT,)),
            u64(version),
            u64(0),
            buf(leaf),
            buf(b"".join(map(u64, view_history))),
        )
    )


def parse_public_snapshot(data: bytes) -> PublicSnapshot:
    """Read a snapshot's public domain.

    Raises:
        Malformed: it is cut short, names a map twice, or is not a snapshot.
    """
    reader = Reader(data)
    entry_type = reader.u8()
    if entry_type != EntryType.SNAPSHOT:
        raise Malformed(f"expected a snapshot, found entry type {entry_type}")
    version = reader.u64()
    reader.u64()
    leaf = reader.buf()
    history = Reader(reader.buf())
    view_history: list[Seqno] = []
    while history.remaining:
        view_history.append(history.u64())
    maps = parse_maps(data, reader.position)
    return PublicSnapshot(version, leaf, tuple(view_history), maps)


def map_head(name: str, version: Seqno, state_bytes: int) -> bytes:
    """Write what stands before a map's state."""
    return buf(name.encode()) + u64(version) + u64(state_bytes)


def entry_bytes(entry: Entry) -> bytes:
    """Write one entry of a map's state."""
    key, version, value = entry
    return b"".join(
        (
            u64(len(key)),
            key,
            _padding(len(key)),
            u64(8 + len(value)),
            u64(version),
            value,
            _padding(len(value)),
        )
    )


def key_orders(keys: Sequence[bytes]) -> list[int]:
    """Return the 32 bits by which a state orders each of its keys."""
    return [order & 0xFFFF_FFFF for order in siphash_2_4_many(keys, ORDER_K0, ORDER_K1)]


def parse_maps(data: bytes, position: int = 0) -> tuple[MapSnapshot, ...]:
    """Read map blocks to the end of ``data``.

    Raises:
        Malformed: they are cut short or name a map twice.
    """
    reader = Reader(data, position)
    maps: dict[str, MapSnapshot] = {}
    while reader.remaining:
        name = reader.string()
        version = reader.u64()
        if name in maps:
            raise Malformed(f"map before {reader.position} appears a second time")
        maps[name] = MapSnapshot(name, version, _parse_state(reader.buf()))
    return tuple(maps.values())


def _parse_state(state: bytes) -> list[Entry]:
    reader = Reader(state)
    entries: list[Entry] = []
    while reader.remaining:
        key = reader.buf()
        reader.take(-len(key) % _ALIGNMENT)
        size = reader.u64()
        if size < _ALIGNMENT:
            raise Malformed(f"a value of {size} bytes has no version")
        version = reader.u64()
        value = reader.take(size - 8)
        reader.take(-size % _ALIGNMENT)
        if version < _REMOVED:
            entries.append((key, version, value))
    return entries


def _padding(length: int) -> bytes:
    return bytes(-length % _ALIGNMENT)
