"""All maps of a service at one node, and the moves that change them.

* ``commit`` gives a transaction the next seqno, or refuses it with ``Conflict``;
* ``apply`` replays the next write set of the ledger;
* ``rollback`` takes back applied seqnos, never below what is committed;
* ``compact`` makes seqnos final;
* ``install`` begins from a snapshot, ``swap_private_maps`` ends a recovery.

One thread at a time makes these moves, and hooks must not reach back into the store.
Transactions may read meanwhile on other threads: versions stay as they are, and what a
move takes away is missed by a check (`MapHandle._node`).

The check at commit: what a transaction read must still be so.

`Store.end` runs the check when the state has moved on since the transaction chose its
version. A transaction that wrote nothing is never checked.
"""

from collections import deque
from collections.abc import Iterable
from typing import final

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Committed, Conflict, Hook, Writes, WriteSet
from ccfpy.kv.names import is_public
from ccfpy.kv.snapshot import FrozenMap, MapSnapshot
from ccfpy.kv.tx import MapHandle, State, Tx
from ccfpy.kv.versions import VersionedMap


def check_conflicts(state: State, tx: Tx) -> None:
    """Check that a state still is what a transaction read.

    Raises:
        Conflict: something that the transaction read has changed, a map that it used
            was created, or applied versions were taken back since.
    """
    if tx.generation != state.generation:
        raise Conflict("the state was rolled back since the transaction began")
    assert tx.read_version is not None
    if tx.unchanged is not None:
        marked = tx.unchanged[0]
        if state.maps.get(marked.name) is not marked or (
            marked.version > tx.read_version
        ):
            raise Conflict(f"map {marked.name!r}: it was changed")
    for handle in tx.handles.values():
        reason = _conflict_of(handle, state.maps.get(handle.name), tx.read_version)
        if reason:
            raise Conflict(f"map {handle.name!r}: {reason}")


def _conflict_of(
    handle: MapHandle, current: VersionedMap | None, read_version: Seqno
) -> str | None:
    """Return what keeps a handle's transaction from committing, if anything."""
    if current is None:
        return None
    if current is not handle.map or (current.created_at or 0) > read_version:
        return f"created since {read_version}"
    if handle.reads_whole_map and current.version > read_version:
        return f"changed at {current.version}, after {read_version}"
    for key, seen in handle.reads.items():
        now = current.current_version_of(key)
        if now != seen:
            return f"a key was read at {seen} and is now at {now}"
    return None


__all__ = ["Committed", "Conflict", "Store"]


@final
class _Change:
    """A seqno that changed a map.

    Attributes:
        version: the seqno.
        map: the map, which has the values.
        keys: what was written or removed.
        previous_version: the map's version before.
    """

    __slots__ = ("keys", "map", "previous_version", "version")

    def __init__(
        self,
        version: Seqno,
        versioned_map: VersionedMap,
        keys: Iterable[bytes],
        previous_version: Seqno,
    ) -> None:
        self.version = version
        self.map = versioned_map
        self.keys = tuple(keys)
        self.previous_version = previous_version


class Store(State):
    """Versioned maps by name.

    Args:
        version: where the store begins; the first seqno it takes is one more. A store
            for one historical transaction at seqno ``s`` begins, empty, at ``s - 1``.
    """

    __slots__ = (
        "_global_hooks",
        "_guards",
        "_local_hooks",
        "_log",
        "_pins",
        "_untrimmed",
    )

    def __init__(self, version: Seqno = 0) -> None:
        super().__init__(version)
        self._log: list[_Change] = []
        self._pins: list[Seqno] = []
        self._untrimmed: deque[tuple[Seqno, dict[VersionedMap, set[bytes]]]] = deque()
        self._guards: dict[str, list[Hook]] = {}
        self._local_hooks: dict[str, list[Hook]] = {}
        self._global_hooks: dict[str, list[Hook]] = {}

    # Transactions

    def begin(self, *, read_only: bool = False, at: Seqno | None = None) -> Tx:
        """Begin a transaction.

        Args:
            read_only: its handles refuse to write, and it never conflicts at commit.
            at: the version to read at instead of the latest one.

        Raises:
            Conflict: ``at`` was compacted away.
            ValueError: ``at`` lies in the future.
        """
        if at is not None:
            if at > self.version:
                raise ValueError(f"cannot read at {at}, beyond {self.version}")
            if at < self.committed:
                raise Conflict(f"version {at} is older than {self.committed}")
        return Tx(self, read_only=read_only, at=at)

    def commit(self, tx: Tx, *, expected: Seqno | None = None) -> Committed | None:
        """End ``tx``, and apply its writes at the next seqno.

        Args:
            tx: a transaction begun here, not ended yet.
            expected: the seqno it must be given, for a signature that names its own.

        Returns:
            The seqno and write set, or ``None`` when it wrote nothing: such a
            transaction has its state's version and never conflicts.

        Raises:
            Conflict: something it read has changed, a map it used was created, or
                applied versions were taken back since; nothing was applied.
        """
        write_set = self.end(tx, expected)
        return None if write_set is None else Committed(self.version, write_set)

    def end(self, tx: Tx, expected: Seqno | None = None) -> WriteSet | None:
        """Commit ``tx`` as `commit` does. Return only the write set, if any.

        Its seqno is `version` afterwards.

        Raises:
            Conflict: as ``commit``.
            Malformed: a guard refused a write, as do guards below.
            VerificationFailed: a guard of the store refused it.
        """
        assert not tx.is_ended, "a transaction ends once"
        tx.is_ended = tx.is_read_only = True
        written: list[MapHandle] = []
        for handle in tx.handles.values():
            handle.is_read_only = True
            if handle.writes:
                written.append(handle)
        if not written:
            return None
        version, read_version = self.version, tx.read_version
        is_behind = read_version is None or read_version != version
        if is_behind or tx.generation != self.generation:
            check_conflicts(self, tx)
        version += 1
        if expected is not None and expected != version:
            raise Conflict(f"seqno {expected} was reserved, {version} is next")
        self.check(written)
        return self._append(
            version, sorted([(each.map, each.writes) for each in written], key=_name_of)
        )

    def apply(self, version: Seqno, write_set: WriteSet) -> None:
        """Replay the write set that the ledger has at ``version``.

        Its maps are not checked: a ledger may hold names that a `Tx` refuses.

        Raises:
            ValueError: it is not the next seqno.
            Malformed: a guard refused it; nothing was applied.
            VerificationFailed: a guard of the store refused it.
        """
        if version != self.version + 1:
            raise ValueError(f"cannot apply {version} after {self.version}")
        assert isinstance(write_set, dict)  # as in `VersionedMap.apply`
        guards = self._guards
        for name, writes in write_set.items():
            if name in guards:
                self._run_guards(name, version, writes)
        written = [
            (self.maps.get(name) or VersionedMap(name), write_set[name])
            for name in sorted(write_set)
            if write_set[name]
        ]
        self._append(version, written)

    # History

    def rollback(self, seqno: Seqno) -> None:
        """Roll back to the state after ``seqno``; ignore a ``seqno`` that is not past.

        Maps created later are forgotten. Transactions begun before cannot commit.

        Raises:
            ValueError: a committed seqno would be taken back.
        """
        if seqno < self.committed:
            raise ValueError(f"cannot roll back to {seqno}, below {self.committed}")
        if seqno >= self.version:
            return
        self.generation += 1
        self.version = seqno
        while self._log and self._log[-1].version > seqno:
            change = self._log.pop()
            version, versioned_map = change.version, change.map
            versioned_map.undo(version, change.keys, change.previous_version)
            name = versioned_map.name
            if (
                versioned_map.created_at == version
                and self.maps.get(name) is versioned_map
            ):
                del self.maps[name]

    def compact(self, seqno: Seqno) -> None:
        """Make everything up to ``seqno`` final, then run global hooks.

        Hooks run in seqno order and, within a seqno, in the order of map names.

        Raises:
            ValueError: ``seqno`` has not been applied.
        """
        if seqno > self.version:
            raise ValueError(f"cannot commit {seqno}, beyond {self.version}")
        if seqno < self.committed:
            return
        self.committed = seqno
        due: list[tuple[Seqno, str, Writes]] = []
        written: dict[VersionedMap, set[bytes]] = {}
        log = self._log
        hooks = self._global_hooks
        count = 0
        current: VersionedMap | None = None
        trimmed: set[bytes] = set()
        is_heard = False
        for change in log:
            version, changed, keys = change.version, change.map, change.keys
            if version > seqno:
                break
            count += 1
            if changed is not current:  # mostly it is the map of the change before
                current = changed
                # A key that was written often is trimmed once.
                trimmed = written.setdefault(changed, set())
                is_heard = changed.name in hooks
            trimmed.update(keys)
            if is_heard and keys:
                due.append((version, changed.name, changed.written(version, keys)))
        del log[:count]
        self._forget_older(seqno, written)
        for version, name, writes in due:
            for hook in hooks[name]:
                hook(version, writes)

    def _forget_older(
        self, seqno: Seqno, written: dict[VersionedMap, set[bytes]]
    ) -> None:
        """Forget what is older than ``seqno`` of these keys, now or at `unpin`."""
        if self._pins:
            self._untrimmed.append((seqno, written))
            return
        self.oldest = seqno
        for versioned_map, keys in written.items():
            versioned_map.trim(keys, seqno)

    def pin(self) -> Seqno:
        """Keep what is final now, and all that follows, readable until ``unpin``."""
        self._pins.append(self.committed)
        return self.committed

    def unpin(self, seqno: Seqno) -> None:
        """Keep what ``pin`` returned readable no longer."""
        self._pins.remove(seqno)
        oldest = max(self.oldest, min(self._pins, default=self.committed))
        self.oldest = oldest
        untrimmed = self._untrimmed
        while untrimmed and untrimmed[0][0] <= oldest:
            _, written = untrimmed.popleft()
            for versioned_map, keys in written.items():
                versioned_map.trim(keys, oldest)

    # Hooks

    def guard(self, name: str, check: Hook) -> None:
        """Call ``check`` with what is written to the map, before it is applied.

        By raising `Malformed` or `VerificationFailed` it keeps all of the write set
        out. Of a snapshot it is given the whole map.
        """
        self._guards.setdefault(name, []).append(check)

    def check(self, handles: Iterable[MapHandle]) -> None:
        """Call guards with what these handles write, as if it were the next seqno.

        Raises:
            Malformed: a guard refused it.
            VerificationFailed: a guard of the store refused it.
        """
        guards = self._guards
        for handle in handles:
            if handle.writes and handle.name in guards:
                self._run_guards(handle.name, self.version + 1, handle.writes)

    def on_local(self, name: str, hook: Hook) -> None:
        """Call ``hook`` whenever a write set with writes to the map is applied."""
        self._local_hooks.setdefault(name, []).append(hook)

    def on_global(self, name: str, hook: Hook) -> None:
        """Call ``hook`` once for each seqno that changed the map, when it is final."""
        self._global_hooks.setdefault(name, []).append(hook)

    # Whole states

    def freeze(self, seqno: Seqno, *, public: bool) -> list[FrozenMap]:
        """Set aside the public or the private maps as they were after ``seqno``.

        In name order. It stays what it is whatever becomes of the store.

        Raises:
            Conflict: ``seqno`` was compacted away.
            ValueError: ``seqno`` has not been applied.
        """
        self._check_readable(seqno)
        versions = self._map_versions_at(seqno)
        return [
            FrozenMap(name, versions[name], self.maps[name].chains.copy())
            for name in sorted(versions)
            if is_public(name) is public
        ]

    def _check_readable(self, seqno: Seqno) -> None:
        if seqno > self.version:
            raise ValueError(f"no state at {seqno} yet, only at {self.version}")
        if seqno < self.committed:
            raise Conflict(f"version {seqno} is older than {self.committed}")

    def install(self, seqno: Seqno, snapshots: Iterable[MapSnapshot]) -> None:
        """Replace the maps named by ``snapshots`` with their state after ``seqno``.

        Local hooks run at once, with each map's whole state and its own version; the
        same reaches global hooks at the next ``compact``. The state counts as final.

        Raises:
            ValueError: the store is beyond ``seqno``, or holds writes not yet final.
            Malformed: a guard refused a map; nothing was installed.
            VerificationFailed: a guard of the store refused it.
        """
        if not self.version == self.committed <= seqno:
            raise ValueError(
                f"cannot install {seqno} over {self.version}, final to {self.committed}"
            )
        installed: list[tuple[VersionedMap, Writes]] = []
        snapshots = list(snapshots)
        for snapshot in snapshots:
            if snapshot.name in self._guards:
                self._run_guards(
                    snapshot.name,
                    snapshot.version,
                    {key: value for key, _, value in snapshot.entries},
                )
        for snapshot in snapshots:
            versioned_map = VersionedMap(snapshot.name)
            versioned_map.version = versioned_map.created_at = snapshot.version
            for key, version, value in snapshot.entries:
                versioned_map.chains[key] = (version, value, None)
            writes = {key: value for key, _, value in snapshot.entries}
            self.maps[snapshot.name] = versioned_map
            installed.append((versioned_map, writes))
        self.version = self.committed = self.oldest = seqno
        self.generation += 1
        for versioned_map, state in sorted(installed, key=_version_and_name_of):
            if state:
                version = versioned_map.version
                self._log.append(_Change(version, versioned_map, state, version))
                self._run_local_hooks(versioned_map.name, version, state)

    def swap_private_maps(self, source: "Store") -> None:
        """Replace private maps with those of ``source``, which was restored apart.

        A recovering node first restores public maps here, decrypts the rest into
        another store when members have given the means, and then calls this. Maps of
        the same name are replaced, private maps that ``source`` lacks stay, and
        ``source`` is not to be used any more. What is not final yet can be taken back
        as before, public and private at once. Hooks do not run; transactions begun
        before cannot commit.

        Raises:
            ValueError: ``source`` is ahead of this store, or neither wholly final nor
                final to where this store is.
        """
        if source.version > self.version:
            raise ValueError(f"source is at {source.version}, beyond {self.version}")
        if source.committed not in (source.version, self.committed):
            raise ValueError(
                f"source is final to {source.committed} of {source.version} only, "
                f"not to {self.committed}"
            )
        for name in [name for name in source.maps if not is_public(name)]:
            self.maps[name] = source.maps.pop(name)
        restored = [
            change
            for change in source._log  # noqa: SLF001 - a store too
            if change.version > self.committed and not is_public(change.map.name)
        ]
        self._log = sorted([*self._log, *restored], key=_seqno_of)
        self.generation += 1
        source.generation += 1

    # Inside

    def _append(
        self, version: Seqno, written: list[tuple[VersionedMap, Writes]]
    ) -> WriteSet:
        """Apply ``written``, in name order, as ``version``; give it as a write set."""
        write_set: dict[str, Writes] = {}
        for versioned_map, writes in written:
            write_set[versioned_map.name] = writes
            previous_version = versioned_map.version
            is_new = versioned_map.created_at is None
            if is_new:
                versioned_map.created_at = version
                self.maps[versioned_map.name] = versioned_map
            if versioned_map.apply(version, writes):
                self._log.append(
                    _Change(version, versioned_map, writes, previous_version)
                )
            elif is_new:
                # It only removed absent keys; a rollback must forget the map still.
                self._log.append(_Change(version, versioned_map, {}, previous_version))
        self.version = version
        hooks = self._local_hooks
        if hooks:
            for name, writes in write_set.items():
                if name in hooks:
                    self._run_local_hooks(name, version, writes)
        return write_set

    def _run_guards(self, name: str, version: Seqno, writes: Writes) -> None:
        for check in self._guards[name]:
            check(version, writes)

    def _run_local_hooks(self, name: str, version: Seqno, writes: Writes) -> None:
        for hook in self._local_hooks.get(name, ()):
            hook(version, writes)

    def _map_versions_at(self, seqno: Seqno) -> dict[str, Seqno]:
        versions = {
            name: versioned_map.version
            for name, versioned_map in self.maps.items()
            if (versioned_map.created_at or 0) <= seqno
        }
        for change in reversed(self._log):
            if change.version <= seqno:
                break
            if change.map.name in versions:
                versions[change.map.name] = change.previous_version
        return versions


def _name_of(written: tuple[VersionedMap, Writes]) -> str:
    return written[0].name


def _seqno_of(change: _Change) -> Seqno:
    return change.version


def _version_and_name_of(written: tuple[VersionedMap, Writes]) -> tuple[Seqno, str]:
    return written[0].version, written[0].name
