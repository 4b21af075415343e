"""The keys of etcd over the tables of one transaction.

The rules:

* The store's revision begins at 1 and rises by one for each call that changes keys; all
  changes of one call share a revision. It is the store's own: a ledger's seqno also
  counts signatures and reads.
* The table of keys holds what is now. Each change leaves what it replaced, so a past
  revision is what is now with all later changes undone.
* A lease ends by the host's clock, within a second or at the first call that may write:
  its keys are deleted in a revision of their own, before the call's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from apps.etcd.limits import (
    LEASED_BYTES_ENDED_MAX,
    LEASED_KEYS_ENDED_MAX,
    LEASES_ENDED_MAX,
    LEASES_MAX,
)
from apps.etcd.messages import Event, EventType, KeyValue
from apps.etcd.refusals import Refusal, refused
from apps.etcd.tables import (
    CHANGES,
    COUNTERS,
    ENDS,
    KEYS,
    LEASE_ID,
    LEASED,
    LEASES,
    Change,
    Counters,
    Lease,
    end_row_of,
    lease_that_ends,
    revision_of,
    row_of,
)
from ccfpy.app import Tx

_MS = 1000
_FIRST_LEASE = 0
"""The first in the order of rows, where negative numbers come last."""
ALL = b"\x00"
"""As the end of a range: every key from its start on."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """A key alone, or the keys from one up to but without another.

    Attributes:
        key: the key alone, or the first.
        end: empty for a key alone; `ALL` for all keys behind the first.
    """

    key: bytes
    end: bytes = b""

    @property
    def stop(self) -> bytes | None:
        """The first key behind the range, if the range has an end."""
        return None if self.end == ALL else self.end

    def has(self, key: bytes) -> bool:
        """Return whether a key is in the range."""
        if not self.end:
            return key == self.key
        return self.key <= key and (self.end == ALL or key < self.end)


class Store:
    """The keys and leases as one transaction sees and changes them.

    Attributes:
        events: what the revision that the transaction is writing did, in order.
    """

    def __init__(self, tx: Tx) -> None:
        self._keys = KEYS.of(tx)
        self._changes = CHANGES.of(tx)
        self._leases = LEASES.of(tx)
        self._leased = LEASED.of(tx)
        self._ends = ENDS.of(tx)
        self._counters_row = COUNTERS.of(tx)
        self._counters = self._counters_row.get() or Counters()
        self._next = self._counters.revision + 1
        self.events: list[Event] = []
        self.has_written = False

    @property
    def revision(self) -> int:
        """The revision of the last change, which may be the transaction's own."""
        return self._counters.revision

    @property
    def committed_revision(self) -> int:
        """The revision of the last change that can no longer be lost."""
        committed = self._counters_row.get_globally_committed() or Counters()
        return committed.revision

    @property
    def compacted(self) -> int:
        """Revisions before this one are forgotten."""
        return self._counters.compacted

    # Read

    def get(self, key: bytes) -> KeyValue | None:
        """Return a key as it is now."""
        return self._keys.get(key)

    def check_revision(self, revision: int) -> None:
        """Check that a revision can be read; 0 and less mean the last one.

        Raises:
            Refused: the revision is compacted, or is none yet.
        """
        if revision > self.revision:
            raise refused(Refusal.FUTURE_REVISION)
        if 0 < revision < self.compacted:
            raise refused(Refusal.COMPACTED)

    def range(self, keys: KeyRange, revision: int = 0) -> list[KeyValue]:
        """List keys as a revision left them, in their order.

        Raises:
            Refused: as `check_revision`.
        """
        self.check_revision(revision)
        now = self._now(keys)
        if revision <= 0 or revision == self.revision:
            return now
        found = {each.key: each for each in now}
        undone: set[bytes] = set()
        # The first change of a key behind the revision has what the revision left.
        for _, change in self._changes.range(row_of(revision + 1)):
            if change.key in undone or not keys.has(change.key):
                continue
            undone.add(change.key)
            if change.previous is None:
                found.pop(change.key, None)
            else:
                found[change.key] = change.previous
        return [found[key] for key in sorted(found)]

    def page(self, keys: KeyRange, size: int) -> tuple[list[KeyValue], int]:
        """List the first keys as they are now, and count all.

        Args:
            keys: of which range.
            size: how many to list.
        """
        if not keys.end:
            found = self._now(keys)
            return found[:size], len(found)
        rows = self._keys.raw.range(keys.key, keys.stop)
        return [KEYS.value_codec.decode(kv) for _, kv in rows[:size]], len(rows)

    def _now(self, keys: KeyRange) -> list[KeyValue]:
        if not keys.end:
            only = self._keys.get(keys.key)
            return [] if only is None else [only]
        return [kv for _, kv in self._keys.range(keys.key, keys.stop)]

    def events_since(self, revision: int) -> list[list[Event]]:
        """List what each revision from one on did, in order.

        Raises:
            Refused: the revision is compacted.
        """
        if revision < self.compacted:
            raise refused(Refusal.COMPACTED)
        return events_of(self._changes.range(row_of(revision)), self._keys.get)

    # Change keys

    def put(self, key: bytes, value: bytes, lease: int) -> KeyValue | None:
        """Set a key, and return what stood there before.

        Raises:
            Refused: there is no such lease.
        """
        if lease and not self._leases.has(lease):
            raise refused(Refusal.LEASE_NOT_FOUND)
        previous = self._keys.get(key)
        kv = KeyValue(
            key=key,
            create_revision=self._next
            if previous is None
            else previous.create_revision,
            mod_revision=self._next,
            version=1 if previous is None else previous.version + 1,
            value=value,
            lease=lease,
        )
        self._keys.put(key, kv)
        if previous is not None and previous.lease not in (0, lease):
            self._leased.remove(_leased_row(previous.lease, key))
        if lease:
            self._leased.insert(_leased_row(lease, key))
        self._note(key, kv, previous)
        return previous

    def delete(self, keys: KeyRange) -> list[KeyValue]:
        """Delete keys, and return what stood there."""
        gone = self._now(keys)
        for kv in gone:
            self._keys.remove(kv.key)
            if kv.lease:
                self._leased.remove(_leased_row(kv.lease, kv.key))
            self._note(kv.key, None, kv)
        return gone

    def _note(self, key: bytes, kv: KeyValue | None, previous: KeyValue | None) -> None:
        row = row_of(self._next, len(self.events))
        self._changes.put(row, Change(key=key, previous=previous))
        self.events.append(event_of(key, kv, previous, self._next))
        if self.revision != self._next:
            self._count(replace(self._counters, revision=self._next))

    def _count(self, counters: Counters) -> None:
        self._counters = counters
        self._counters_row.put(counters)
        self.has_written = True

    def _begin_revision(self) -> None:
        """Begin a new revision for what follows."""
        self._next = self.revision + 1
        self.events = []

    def compact(self, revision: int) -> None:
        """Forget the revisions before one.

        Raises:
            Refused: the revision is compacted already, or is none yet.
        """
        if revision <= self.compacted:
            raise refused(Refusal.COMPACTED)
        if revision > self.revision:
            raise refused(Refusal.FUTURE_REVISION)
        for row, _ in self._changes.raw.range(None, row_of(revision)):
            self._changes.raw.remove(row)
        self._count(replace(self._counters, compacted=revision))

    # Leases

    def leases(self) -> list[int]:
        """List the ids of all leases, in their order."""
        return sorted(self._leases.keys())

    def lease(self, lease_id: int, now_ms: int) -> Lease | None:
        """Return a lease; there is none whose time is over, though keys may be left."""
        lease = self._leases.get(lease_id)
        return None if lease is None or lease.ends_ms <= now_ms else lease

    def keys_of(self, lease_id: int) -> list[bytes]:
        """List the keys of a lease, in their order."""
        prefix = LEASE_ID.encode(lease_id)
        return _behind(prefix, self._leased.raw.range(prefix, _after(prefix)))

    def first_keys_of(self, lease_id: int, count: int) -> list[bytes]:
        """List the first keys of a lease, without a look at the others."""
        prefix = LEASE_ID.encode(lease_id)
        return _behind(prefix, self._leased.raw.first(prefix, _after(prefix), count))

    def grant(self, lease_id: int, ttl_s: int, now_ms: int) -> None:
        """Begin a lease.

        Raises:
            Refused: the lease exists, or there are too many.
        """
        if self._leases.has(lease_id):
            raise refused(Refusal.LEASE_EXISTS)
        leases = self._counters.leases
        if leases >= LEASES_MAX:
            raise refused(Refusal.TOO_MANY_REQUESTS)
        self._count(replace(self._counters, leases=leases + 1))
        self._renew(lease_id, ttl_s, now_ms)

    def keep_alive(self, lease_id: int, now_ms: int) -> int:
        """Renew a lease, and return how many seconds it lasts; 0 if there is none."""
        lease = self.lease(lease_id, now_ms)
        if lease is None:
            return 0
        self._ends.remove(end_row_of(lease.ends_ms, lease_id))
        self._renew(lease_id, lease.ttl_s, now_ms)
        return lease.ttl_s

    def _renew(self, lease_id: int, ttl_s: int, now_ms: int) -> None:
        ends_ms = now_ms + ttl_s * _MS
        self._leases.put(lease_id, Lease(ttl_s=ttl_s, ends_ms=ends_ms))
        self._ends.insert(end_row_of(ends_ms, lease_id))
        self.has_written = True

    def revoke(self, lease_id: int) -> None:
        """End a lease and delete its keys.

        Raises:
            Refused: there is no such lease.
        """
        lease = self._leases.get(lease_id)
        if lease is None:
            raise refused(Refusal.LEASE_NOT_FOUND)
        for key in self.keys_of(lease_id):
            self.delete(KeyRange(key))
        self._forget_lease(lease_id, lease)

    def _forget_lease(self, lease_id: int, lease: Lease) -> None:
        """Remove a lease that has no keys."""
        self._leases.remove(lease_id)
        self._ends.remove(end_row_of(lease.ends_ms, lease_id))
        self._count(replace(self._counters, leases=self._counters.leases - 1))

    def end_leases(self, now_ms: int) -> None:
        """End leases whose time is over, each in a revision of its own.

        If very many end at once, those that ended last are left for the next call. So
        are keys of a lease that has very many, or long ones: a call that cannot end
        them all in its time, or in its entry of the ledger, would fail, and every later
        call with it.
        """
        due = self._ends.raw.range(None, end_row_of(now_ms + 1, _FIRST_LEASE))
        keys_left, bytes_left = LEASED_KEYS_ENDED_MAX, LEASED_BYTES_ENDED_MAX
        for row, _ in due[:LEASES_ENDED_MAX]:
            lease_id = lease_that_ends(row)
            for key in self.first_keys_of(lease_id, keys_left + 1):
                if keys_left <= 0 or bytes_left <= 0:
                    self._begin_revision()
                    return
                gone = self.delete(KeyRange(key))
                keys_left -= 1
                bytes_left -= sum(len(kv.key) + len(kv.value) for kv in gone)
            lease = self._leases.get(lease_id)
            assert lease is not None, "a lease has its end as long as it lasts"
            self._forget_lease(lease_id, lease)
            self._begin_revision()


def event_of(
    key: bytes, kv: KeyValue | None, previous: KeyValue | None, revision: int
) -> Event:
    """Return what a revision did to a key: a deletion if nothing is left."""
    if kv is None:
        gone = KeyValue(key=key, mod_revision=revision)
        return Event(type=EventType.DELETE, kv=gone, prev_kv=previous)
    return Event(type=EventType.PUT, kv=kv, prev_kv=previous)


def events_of(
    changes: Sequence[tuple[bytes, Change]],
    latest: Callable[[bytes], KeyValue | None],
) -> list[list[Event]]:
    """List what each revision did, in order.

    Args:
        changes: all changes of the revisions, in the order of rows.
        latest: returns a key as the last of these revisions left the key.
    """
    later: dict[bytes, KeyValue | None] = {}
    by_revision: dict[int, list[Event]] = {}
    for row, change in reversed(changes):
        key, revision = change.key, revision_of(row)
        kv = later[key] if key in later else latest(key)
        later[key] = change.previous
        event = event_of(key, kv, change.previous, revision)
        by_revision.setdefault(revision, []).append(event)
    return [by_revision[each][::-1] for each in sorted(by_revision)]


def _leased_row(lease_id: int, key: bytes) -> bytes:
    return LEASE_ID.encode(lease_id) + key


def _behind(prefix: bytes, rows: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    return [row[len(prefix) :] for row, _ in rows]


def _after(prefix: bytes) -> bytes | None:
    """Return the first key behind all keys with a prefix."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None
