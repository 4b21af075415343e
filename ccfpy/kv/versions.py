"""One map of the store, every key with the versions that may still be asked for.

A key's versions form a chain, newest first, so any version between the last compaction
and now is read by its number and nothing is copied to keep it. The rules:

* a node is ``(version, value, older node)``; the value ``None`` marks a removal;
* versions strictly decrease along a chain;
* after ``trim(seqno)`` each trimmed chain holds at most one node at or below ``seqno``,
  and never a removal as its oldest node.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeAlias

# The package ships no types; every use of it is in this file.
from sortedcontainers import SortedList  # type: ignore[import-untyped]

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes
from ccfpy.kv.names import is_public

Node: TypeAlias = tuple[Seqno, bytes | None, Any]
"""A version: its seqno, its value, and the ``Node`` before it or ``None``; a type that
named itself could not be compiled."""


class VersionedMap:
    """The keys of one map; ``version`` is the seqno that last changed any of them."""

    __slots__ = ("_ordered", "chains", "created_at", "is_public", "name", "version")

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_public = is_public(name)
        self.chains: dict[bytes, Node] = {}
        self.version: Seqno = 0
        self.created_at: Seqno | None = None
        """The seqno that first wrote to the map; ``None`` until a store has it."""
        self._ordered: SortedList | None = None

    def apply(self, version: Seqno, writes: Writes) -> bool:
        """Add ``writes`` on top; tell whether that changed anything.

        Removing a key that is not there is no change.
        """
        chains = self.chains
        changed = False
        assert isinstance(writes, dict)  # compiled code walks a dict with fewer steps
        for key, value in writes.items():
            older = chains.get(key)
            if older is None:
                if value is None:
                    continue
                if self._ordered is not None:
                    self._ordered.add(key)
            elif value is None and older[1] is None:
                continue
            chains[key] = (version, value, older)
            changed = True
        if changed:
            self.version = version
        return changed

    def undo(
        self, version: Seqno, keys: Iterable[bytes], previous_version: Seqno
    ) -> None:
        """Undo the last ``apply``, of ``version``, whose writes have these keys."""
        chains = self.chains
        for key in keys:
            newest = chains.get(key)
            if newest is None or newest[0] != version:
                continue
            if newest[2] is None:
                self._drop(key)
            else:
                chains[key] = newest[2]
        self.version = previous_version

    def trim(self, keys: Iterable[bytes], version: Seqno) -> None:
        """Forget what nobody reading at or after ``version`` can see of ``keys``."""
        chains = self.chains
        for key in keys:
            newest = chains.get(key)
            if newest is None:
                continue
            written_at, value, older = newest
            if older is None and value is not None:
                continue  # most keys have one version, and it stays
            if written_at > version:
                chains[key] = _trimmed(newest, version)
            elif value is None:
                self._drop(key)
            else:
                chains[key] = written_at, value, None

    def written(self, version: Seqno, keys: Iterable[bytes]) -> Writes:
        """Return what ``version``, which was not trimmed, wrote to ``keys``."""
        nodes = {key: node_below(self.chains.get(key), version) for key in keys}
        return {key: None if node is None else node[1] for key, node in nodes.items()}

    def current_version_of(self, key: bytes) -> Seqno:
        """Return the seqno that last wrote ``key``, 0 where it does not exist now."""
        node = self.chains.get(key)
        return 0 if node is None or node[1] is None else node[0]

    def keys_between(
        self, start: bytes | None, stop: bytes | None, most: int | None = None
    ) -> list[bytes]:
        """List, in byte order, keys from ``start`` up to but without ``stop``.

        At most so many are listed, if that is given. Keys that exist at some version
        only are included. The order is kept from the first call on: maps that are never
        asked pay nothing for it.
        """
        if self._ordered is None:
            self._ordered = SortedList(self.chains)
        between = self._ordered.irange(start, stop, inclusive=(True, False))
        return list(islice(between, most))

    def _drop(self, key: bytes) -> None:
        del self.chains[key]
        if self._ordered is not None:
            self._ordered.remove(key)


def node_below(node: Node | None, version: Seqno) -> Node | None:
    """Find, along a chain, the newest node at or below ``version``."""
    while node is not None and node[0] > version:
        node = node[2]
    return node


def _trimmed(node: Node, version: Seqno) -> Node:
    """Cut a chain, newer than ``version``, below its newest node that is not newer."""
    newer: list[Node] = []
    base: Node | None = node
    while base is not None and base[0] > version:
        newer.append(base)
        base = base[2]
    if base is None or (base[1] is not None and base[2] is None):
        return node
    kept: Node | None = None if base[1] is None else (base[0], base[1], None)
    for above in reversed(newer):
        kept = (above[0], above[1], kept)
    assert kept is not None, "the chain is newer"
    return kept
