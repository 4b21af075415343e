"""A transaction: one consistent state to read, and the writes it will leave behind.

The state is chosen when the first handle is taken, not when the transaction begins, so
that as little as possible can change under it. A transaction sees its own writes. What
it reads is remembered: a commit that would rest on something changed since is refused
with ``Conflict``, and even a transaction that is bound to fail never sees parts of two
states. A key is remembered by the version read; ``foreach``, ``items``, ``range``,
``size`` and ``clear`` depend on the whole map.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Conflict, ReadOnlyTransaction, Writes, WriteSet
from ccfpy.kv.names import kind_of
from ccfpy.kv.versions import Node, VersionedMap

Mark: TypeAlias = tuple[VersionedMap, Seqno, int]
"""By which a map that nobody has changed is known again; see ``Tx.mark``."""


class State:
    """What transactions read from: the maps, and where in the ledger they are.

    Attributes:
        version: the last applied seqno.
        committed: the last seqno that is final.
        oldest: the oldest version that can be read: what is final last, or older while
            a slow call reads (`Store.pin`).
        generation: grows when applied versions are taken back or replaced.
        maps: by name.
        threads: those of the node, some of which may read while one changes the state.
    """

    __slots__ = ("committed", "generation", "maps", "oldest", "threads", "version")

    def __init__(self, version: Seqno) -> None:
        self.version = version
        self.committed = version
        self.oldest = version
        self.generation = 0
        self.maps: dict[str, VersionedMap] = {}
        self.threads: AppThreads = AppThreads()

    def check(self, handles: "Iterable[MapHandle]") -> None:
        """Refuse what these handles would leave; a past state refuses nothing."""


class MapHandle:
    """One map as one transaction sees it, bytes to bytes.

    Every method but ``put`` and ``remove`` raises ``Conflict`` when the state that the
    transaction reads from was rolled back, or compacted beyond what the answer needs.
    """

    __slots__ = (
        "_committed",
        "_generation",
        "_state",
        "_version",
        "is_read_only",
        "map",
        "name",
        "reads",
        "reads_whole_map",
        "writes",
    )

    def __init__(self, tx: "Tx", state: State, versioned_map: VersionedMap) -> None:
        assert tx.read_version is not None
        self.name = versioned_map.name
        self.map = versioned_map
        self.is_read_only = tx.is_read_only
        self.reads: dict[bytes, Seqno] = {}
        """The version at which each key was read; 0 where it did not exist.

        Nothing is noted here if the transaction is read-only.
        """
        self.reads_whole_map = False
        self.writes: dict[bytes, bytes | None] = {}
        self._state = state
        self._generation = tx.generation
        self._version = tx.read_version
        self._committed = tx.committed

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, ``None`` where it does not exist."""
        writes = self.writes
        if writes and key in writes:
            return writes[key]
        node = self._read(key)
        return None if node is None else node[1]

    def has(self, key: bytes) -> bool:
        """Return whether ``key`` exists."""
        return self.get(key) is not None

    def put(self, key: bytes, value: bytes) -> None:
        """Set ``key`` to ``value``.

        Raises:
            ReadOnlyTransaction: the transaction is read-only, or has ended.
            TypeError: one of them is not bytes, which no ledger could hold.
        """
        if self.is_read_only:
            raise ReadOnlyTransaction(f"put on {self.name!r} in a read-only handle")
        if type(key) is not bytes or type(value) is not bytes:
            raise TypeError(f"{self.name!r} holds bytes under bytes, nothing else")
        self.writes[key] = value

    def remove(self, key: bytes) -> None:
        """Remove ``key``, whether or not it exists.

        Raises:
            ReadOnlyTransaction: the transaction is read-only, or has ended.
            TypeError: it is not bytes.
        """
        if self.is_read_only:
            raise ReadOnlyTransaction(f"remove on {self.name!r} in a read-only handle")
        if type(key) is not bytes:
            raise TypeError(f"{self.name!r} holds bytes under bytes, nothing else")
        self.writes[key] = None

    def version_of_previous_write(self, key: bytes) -> Seqno | None:
        """Return the seqno of the write that this transaction finds at ``key``.

        Its own writes have no seqno yet and are not considered. ``None`` where the key
        did not exist.
        """
        node = self._read(key)
        return None if node is None or node[1] is None else node[0]

    def get_globally_committed(self, key: bytes) -> bytes | None:
        """Return the value of ``key`` that can no longer be rolled back.

        It is the one committed when the transaction took its first handle. Neither own
        writes nor later ones count, and no dependency is recorded.
        """
        node = self._node(key, self._committed)
        return None if node is None else node[1]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """List the map's entries as they are now.

        What is written while iterating is not listed, nor does it change what is.
        Entries changed by this transaction come last, in key order; the order of the
        others is not defined.
        """
        self.reads_whole_map = True
        return self._entries(list(self.map.chains), dict(self.writes))

    def keys(self) -> Iterator[bytes]:
        """List the keys of ``items``."""
        return (key for key, _ in self.items())

    def foreach(self, visit: Callable[[bytes, bytes], bool]) -> None:
        """Call ``visit`` with each entry of ``items`` until it returns ``False``."""
        for key, value in self.items():
            if not visit(key, value):
                return

    def range(
        self, start: bytes | None = None, stop: bytes | None = None
    ) -> list[tuple[bytes, bytes]]:
        """List entries in key order, from ``start`` up to but without ``stop``."""
        if start is not None and stop is not None and stop <= start:
            return []
        return self._range(start, stop, self._keys_between(start, stop))

    def first(
        self, start: bytes | None, stop: bytes | None, count: int
    ) -> list[tuple[bytes, bytes]]:
        """List the first so many entries of ``range``, without a look at the others."""
        found: list[tuple[bytes, bytes]] = []
        is_last = start is not None and stop is not None and stop <= start
        while len(found) < count and not is_last:
            # Keys that are removed here are still in the order.
            keys = self._keys_between(start, stop, count)
            is_last = len(keys) < count
            end = stop if is_last else keys[-1] + b"\0"
            found += self._range(start, end, keys)
            start = end
        return found[:count]

    def _keys_between(
        self, start: bytes | None, stop: bytes | None, most: int | None = None
    ) -> list[bytes]:
        self.reads_whole_map = True
        # The order of keys is kept in a list that cannot be read while it changes.
        return self._state.threads.inside(
            lambda _: self.map.keys_between(start, stop, most), None
        )

    def _range(
        self, start: bytes | None, stop: bytes | None, keys: list[bytes]
    ) -> list[tuple[bytes, bytes]]:
        """List the entries of a range, in which the map has these keys."""
        written = {
            key: value
            for key, value in self.writes.items()
            if (start is None or start <= key) and (stop is None or key < stop)
        }
        return (
            sorted(self._entries(keys, written))
            if written
            else list(self._entries(keys, written))
        )

    def size(self) -> int:
        """Count the map's entries."""
        return sum(1 for _ in self.items())

    def clear(self) -> None:
        """Remove every entry.

        Raises:
            ReadOnlyTransaction: the transaction is read-only, or has ended.
        """
        for key in self.keys():
            self.remove(key)

    def _read(self, key: bytes) -> Node | None:
        node = self._node(key, self._version)
        if not self.is_read_only:  # what writes nothing conflicts with nothing
            self.reads[key] = 0 if node is None or node[1] is None else node[0]
        return node

    def _node(self, key: bytes, version: Seqno) -> Node | None:
        """Find the newest node at or below ``version``, or raise ``Conflict``."""
        state = self._state
        if state.generation != self._generation:
            raise Conflict(f"{self.name!r} was rolled back since version {version}")
        node = self.map.chains.get(key)
        if node is not None and node[0] <= version:
            return node
        if version < state.oldest:
            raise Conflict(f"{self.name!r} at {version} was compacted away")
        while node is not None and node[0] > version:
            node = node[2]
        return node

    def _entries(
        self, keys: list[bytes], writes: Writes
    ) -> Iterator[tuple[bytes, bytes]]:
        for key in keys:
            if key in writes:
                continue
            node = self._node(key, self._version)
            if node is not None and node[1] is not None:
                yield key, node[1]
        for key in sorted(writes):
            value = writes[key]
            if value is not None:
                yield key, value


class Tx:
    """A transaction on one state of the store, ended by ``Store.commit`` or dropped."""

    __slots__ = (
        "_state",
        "committed",
        "generation",
        "handles",
        "is_ended",
        "is_read_only",
        "read_version",
        "unchanged",
    )

    def __init__(self, state: State, *, read_only: bool, at: Seqno | None) -> None:
        self._state = state
        self.is_read_only = read_only
        self.is_ended = False
        self.read_version: Seqno | None = at
        """The version this transaction reads at; ``None`` until its first handle."""
        self.committed: Seqno = state.committed
        self.generation = state.generation
        self.handles: dict[str, MapHandle] = {}
        self.unchanged: Mark | None = None
        """A map that this transaction rests on being as it is marked."""

    def raw(self, name: str) -> MapHandle:
        """Return the handle on the map ``name``; always the same one for a name.

        A map that does not exist is empty, and comes to be when it is written.

        Raises:
            ReservedName: the map does not exist and its name is reserved.
            Malformed: the name is not a text that can be written.
            Conflict: the version to read at is gone.
        """
        handle = self.handles.get(name)
        if handle is not None:
            return handle
        state = self._state
        if self.read_version is None:
            # In this order: another thread may change the state meanwhile.
            self.generation = state.generation
            self.committed = state.committed
            self.read_version = state.version
        elif self.generation != state.generation or self.read_version < state.oldest:
            raise Conflict(f"version {self.read_version} of {name!r} is gone")
        versioned_map = state.maps.get(name)
        if versioned_map is None:
            kind_of(name)
            versioned_map = VersionedMap(name)
        handle = self.handles[name] = MapHandle(self, state, versioned_map)
        return handle

    def mark(self, name: str) -> Mark | None:
        """Mark a map as this transaction sees it, so that others know it again.

        Gives nothing if the map does not exist, or not as it is seen here.
        """
        state = self._state
        versioned_map = state.maps.get(name)
        if (
            versioned_map is None
            or self.read_version != state.version
            or self.generation != state.generation
        ):
            return None
        return versioned_map, versioned_map.version, state.generation

    def is_unchanged(self, mark: Mark) -> bool:
        """Return whether a map is as it was marked; if so, the transaction rests on it.

        As if all of it had been read. False means nothing: the map may be the same and
        the transaction unable to tell.
        """
        state = self._state
        versioned_map, version, generation = mark
        if (
            versioned_map.version != version
            or state.generation != generation
            or state.maps.get(versioned_map.name) is not versioned_map
            or self.unchanged is not None
        ):
            return False
        if self.read_version is None:
            self.read_version = state.version
            self.committed = state.committed
            self.generation = generation
        elif self.read_version != state.version or self.generation != generation:
            return False
        self.unchanged = mark
        return True

    def check_whole(self) -> None:
        """Check that what was read was of one state.

        Only where another thread may have changed the state meanwhile can it be of two.

        Raises:
            Conflict: applied versions were taken back since the first handle was taken.
        """
        if self.read_version is not None and (
            self.generation != self._state.generation
        ):
            raise Conflict(f"what was read at {self.read_version} was rolled back")

    def check(self) -> None:
        """Refuse now what the store would refuse when this transaction ends.

        Raises:
            Malformed: a guard of the store refused it.
            VerificationFailed: a guard of the store refused it.
        """
        self._state.check(self.handles.values())

    @property
    def writes(self) -> WriteSet:
        """What would be committed now: changed maps in name order."""
        return {
            name: handle.writes
            for name, handle in sorted(self.handles.items())
            if handle.writes
        }
