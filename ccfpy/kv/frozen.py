"""A whole state set aside, to be written as a snapshot a little at a time.

Ordering the keys of a large state takes longer than a step may. The versions of a key
are a chain that never changes (`ccfpy.kv.versions`). It is therefore enough to keep the
newest version of every key, which costs one copy of a dict for each map. The state of
an earlier seqno can be found from it later, whatever is applied, rolled back or
compacted meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.kv.snapshot import entry_bytes, key_orders, map_head
from ccfpy.kv.versions import Node, node_below

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
