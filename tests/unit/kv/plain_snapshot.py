"""Whole states written at once and key by key, to compare what nodes write with."""

from collections.abc import Iterable, Iterator, Mapping

from ccfpy.base.ids import Seqno
from ccfpy.kv.snapshot import (
    ORDER_K0,
    ORDER_K1,
    Entry,
    MapSnapshot,
    PublicSnapshot,
    entry_bytes,
    map_head,
    public_head,
)
from ccfpy.kv.store import Store
from ccfpy.kv.versions import Node, node_below

_MASK = 0xFFFF_FFFF_FFFF_FFFF


def snapshot_of(store: Store, seqno: Seqno, *, public: bool) -> list[MapSnapshot]:
    """Return the public or the private maps as they were after ``seqno``."""
    return [
        MapSnapshot(name, version, list(entries_at(chains, seqno)))
        for name, version, chains in store.freeze(seqno, public=public)
    ]


def entries_at(chains: Mapping[bytes, Node], version: Seqno) -> Iterator[Entry]:
    """List key, write version and value of each key that exists at ``version``."""
    for key, newest in chains.items():
        node = node_below(newest, version)
        if node is not None and node[1] is not None:
            yield key, node[0], node[1]


def serialise_public_snapshot(snapshot: PublicSnapshot) -> bytes:
    """Write a snapshot's public domain."""
    head = public_head(snapshot.version, snapshot.leaf, snapshot.view_history)
    return head + serialise_maps(snapshot.maps)


def serialise_maps(maps: Iterable[MapSnapshot]) -> bytes:
    """Write map blocks, which must come in name order; the whole private domain."""
    blocks: list[bytes] = []
    for name, version, entries in maps:
        state = b"".join(map(entry_bytes, sorted(entries, key=_state_order)))
        blocks += (map_head(name, version, len(state)), state)
    return b"".join(blocks)


def _state_order(entry: Entry) -> tuple[int, bytes]:
    """Order by the key's hash; by the key itself where hashes are equal."""
    key = entry[0]
    return key_order(key), key


def key_order(key: bytes) -> int:
    """Return the 32 bits by which a state's keys are ordered."""
    return siphash_2_4(key, ORDER_K0, ORDER_K1) & 0xFFFF_FFFF


def siphash_2_4(data: bytes, k0: int, k1: int) -> int:
    """Hash ``data`` under the 128-bit key ``k0``, ``k1`` to 64 bits."""
    v0 = k0 ^ 0x736F6D6570736575
    v1 = k1 ^ 0x646F72616E646F6D
    v2 = k0 ^ 0x6C7967656E657261
    v3 = k1 ^ 0x7465646279746573
    length = len(data)
    padded = data + bytes(7 - length % 8) + bytes((length & 0xFF,))
    for offset in range(0, len(padded), 8):
        word = int.from_bytes(padded[offset : offset + 8], "little")
        v0, v1, v2, v3 = _rounds(2, v0, v1, v2, v3 ^ word)
        v0 ^= word
    v0, v1, v2, v3 = _rounds(4, v0, v1, v2 ^ 0xFF, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _rounds(
    count: int, v0: int, v1: int, v2: int, v3: int
) -> tuple[int, int, int, int]:
    for _ in range(count):
        v0 = (v0 + v1) & _MASK
        v1 = ((v1 << 13) & _MASK | v1 >> 51) ^ v0
        v0 = (v0 << 32) & _MASK | v0 >> 32
        v2 = (v2 + v3) & _MASK
        v3 = ((v3 << 16) & _MASK | v3 >> 48) ^ v2
        v0 = (v0 + v3) & _MASK
        v3 = ((v3 << 21) & _MASK | v3 >> 43) ^ v0
        v2 = (v2 + v1) & _MASK
        v1 = ((v1 << 17) & _MASK | v1 >> 47) ^ v2
        v2 = (v2 << 32) & _MASK | v2 >> 32
    return v0, v1, v2, v3
