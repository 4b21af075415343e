"""Whole states of maps as bytes: the domains of a snapshot.

Both domains hold map blocks: name, the map's version, and its state. A state is its
entries back to back, key and value each padded to eight bytes, in the order of the low
32 bits of the keys' SipHash; readers accept any order. The public domain has a header
in front. The framing, encryption and receipt of the file are the ledger's business.

A whole state set aside, to be written as a snapshot a little at a time.

Ordering the keys of a large state takes longer than a step may. The versions of a key
are a chain that never changes (`ccfpy.kv.versions`). It is therefore enough to keep the
newest version of every key, which costs one copy of a dict for each map. The state of
an earlier seqno can be found from it later, whatever is applied, rolled back or
compacted meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ccfpy.base import limits
from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.kv.codec import EntryType
from ccfpy.kv.siphash import siphash_2_4_many
from ccfpy.kv.versions import Node, node_below

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


_KEYS_PER_GROUP = 256
"""Keys sorted at once: few enough that it takes no time worth counting."""
_KEY_BYTES_AT_ONCE = 8 * limits.SNAPSHOT_BYTES_PER_KEY
"""Hashing so many takes about as long as a group of short keys."""
_ORDER_BITS = 32
_ENTRY_FIELDS_BYTES = 24
"""Two sizes and a version."""
_PIECE_BYTES = 1 << 20
_WRITES_PER_KEY = 2
"""Entries written in about the time in which one key is ordered."""

_Ordered = tuple[int, bytes, Seqno, bytes]
"""A key's order, the key, its version and value."""


class FrozenMap(NamedTuple):
    """One map, of which the state after some seqno can be found.

    Attributes:
        version: the seqno that last changed the map up to then.
        chains: every key's versions, some of which may be later.
    """

    name: str
    version: Seqno
    chains: Mapping[bytes, Node]


def serialise_frozen(
    maps: Iterable[FrozenMap], seqno: Seqno, pieces: list[bytes]
) -> Iterator[int]:
    """Write the maps' blocks as they were after ``seqno``, in bounded steps.

    Args:
        maps: in name order.
        seqno: which state to write.
        pieces: where the bytes are put; joined they are a domain's map blocks.

    Yields:
        After each step, about how much work it was, counted in keys ordered.
    """
    for frozen in maps:
        ordering = _Ordering(frozen.chains, seqno)
        yield from ordering.steps()
        pieces.append(map_head(frozen.name, frozen.version, ordering.state_bytes))
        yield 1
        yield from _write(ordering.groups, pieces)


class _Ordering:
    """The entries of one map, spread over groups that follow one another in order."""

    def __init__(self, chains: Mapping[bytes, Node], seqno: Seqno) -> None:
        self._chains = chains
        self._seqno = seqno
        bits = (len(chains) // _KEYS_PER_GROUP).bit_length()
        self._shift = _ORDER_BITS - bits
        self.groups: list[list[_Ordered]] = [[] for _ in range(1 << bits)]
        self.state_bytes = 0

    def steps(self) -> Iterator[int]:
        waiting: list[tuple[bytes, Seqno, bytes]] = []
        key_bytes = 0
        for count, (key, newest) in enumerate(self._chains.items(), 1):
            node = node_below(newest, self._seqno)
            if node is not None and node[1] is not None:
                waiting.append((key, node[0], node[1]))
                key_bytes += len(key)
            if (
                count % _KEYS_PER_GROUP == 0
                or len(key) > limits.SNAPSHOT_BYTES_PER_KEY
                or key_bytes > _KEY_BYTES_AT_ONCE
            ):
                self._take(waiting)
                waiting, key_bytes = [], 0
                yield _KEYS_PER_GROUP
        self._take(waiting)
        yield 1

    def _take(self, entries: list[tuple[bytes, Seqno, bytes]]) -> None:
        """Spread some entries over the groups; their keys are hashed together."""
        groups, shift = self.groups, self._shift
        orders = key_orders([entry[0] for entry in entries])
        for order, (key, version, value) in zip(orders, entries, strict=True):
            groups[order >> shift].append((order, key, version, value))
            self.state_bytes += _padded(len(key)) + _padded(len(value))
            self.state_bytes += _ENTRY_FIELDS_BYTES


def _write(groups: list[list[_Ordered]], pieces: list[bytes]) -> Iterator[int]:
    waiting: list[bytes] = []
    waiting_bytes = 0
    for group in groups:
        group.sort()
        for _, key, version, value in group:
            data = entry_bytes((key, version, value))
            waiting.append(data)
            waiting_bytes += len(data)
            if waiting_bytes >= _PIECE_BYTES:
                pieces.append(b"".join(waiting))
                yield waiting_bytes // limits.SNAPSHOT_BYTES_PER_KEY
                waiting, waiting_bytes = [], 0
        yield 1 + len(group) // _WRITES_PER_KEY
        group.clear()
    pieces.append(b"".join(waiting))
    yield 1


def _padded(length: int) -> int:
    return length + -length % 8
