"""Committed events, and their bytes: written once for all watches of all streams.

Events are the last field of a `WatchResponse`, so a response is a short head, which
differs from watch to watch, and behind it the bytes of its events, which do not.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from apps.etcd.limits import COMMITS_SHARED_BYTES_MAX, COMMITS_SHARED_MAX
from apps.etcd.messages import Event, WatchResponse
from apps.etcd.store import ALL, KeyRange, events_of
from apps.etcd.tables import CHANGES, COUNTERS, KEYS, Counters
from apps.etcd.wire import encode
from ccfpy.app import WriteSet


class SharedEvent:
    """An event, and its bytes as a field of a response.

    Attributes:
        event: with what stood under its key before.
        key: whose event it is.
        size: about how many bytes it has.
    """

    __slots__ = ("_plain", "_whole", "event", "key", "size")

    def __init__(self, event: Event) -> None:
        assert event.kv is not None, "every event is of a key"
        self.event = event
        self.key = event.kv.key
        previous = event.prev_kv
        self.size = len(self.key) + len(event.kv.value)
        if previous is not None:
            self.size += len(previous.key) + len(previous.value)
        self._plain: bytes | None = None
        self._whole: bytes | None = None

    def field(self, *, has_previous: bool) -> bytes:
        """Return the bytes, with or without what stood there before."""
        if has_previous and self.event.prev_kv is not None:
            if self._whole is None:
                self._whole = _field_of(self.event)
            return self._whole
        if self._plain is None:
            event = self.event
            self._plain = _field_of(Event(type=event.type, kv=event.kv))
        return self._plain


def _field_of(event: Event) -> bytes:
    return encode(WatchResponse(events=(event,)))


class Revision:
    """What one revision did.

    Attributes:
        number: of the revision.
        events: in their order.
    """

    __slots__ = ("_by_key", "_keys", "events", "number")

    def __init__(self, events: Sequence[Event]) -> None:
        first = events[0].kv
        assert first is not None, "every event is of a key"
        self.number = first.mod_revision
        self.events = tuple(map(SharedEvent, events))
        self._by_key = sorted(range(len(events)), key=lambda at: self.events[at].key)
        self._keys = [self.events[at].key for at in self._by_key]

    def within(self, keys: KeyRange) -> Iterator[SharedEvent]:
        """Return the events of a range's keys, in their order."""
        begin = bisect_left(self._keys, keys.key)
        if not keys.end:
            end = bisect_left(self._keys, keys.key + b"\0")
        elif keys.end == ALL:
            end = len(self._keys)
        else:
            end = bisect_left(self._keys, keys.end)
        return (self.events[at] for at in sorted(self._by_key[begin:end]))


class Commit:
    """What one committed transaction did.

    Attributes:
        changes: the rows by which it is known.
        last: the store's revision then; 0 if the transaction did not change it.
        revisions: what each revision did, in order.
        size: about how many bytes its events have.
    """

    __slots__ = ("changes", "last", "revisions", "size")

    def __init__(self, writes: WriteSet) -> None:
        self.changes: Mapping[bytes, bytes | None] = writes.get(CHANGES.name, {})
        keys = KEYS.decode_writes(writes.get(KEYS.name, {}))
        changes = [
            (row, change)
            for row, change in sorted(CHANGES.decode_writes(self.changes).items())
            if change is not None  # else the row was compacted
        ]
        counters = COUNTERS.decode_writes(writes.get(COUNTERS.name, {})) or Counters(
            revision=0
        )
        self.last = counters.revision
        self.revisions = tuple(map(Revision, events_of(changes, keys.get)))
        self.size = sum(each.size for one in self.revisions for each in one.events)


class _Shared:
    """The last commits that streams were told of.

    A step may run beside others, so what is kept is replaced, and never changed.
    """

    def __init__(self) -> None:
        self._kept: tuple[Commit, ...] = ()

    def commit_of(self, writes: WriteSet) -> Commit:
        """Return what a transaction did; each stream is given the same rows."""
        changes = writes.get(CHANGES.name)
        for commit in self._kept:
            if commit.changes is changes:
                return commit
        commit = Commit(writes)
        if changes is not None:
            self._kept = _newest((*self._kept, commit))
        return commit


def _newest(commits: tuple[Commit, ...]) -> tuple[Commit, ...]:
    """Return the newest of some commits, as far as there is room."""
    size = 0
    for count, commit in enumerate(reversed(commits)):
        size += commit.size
        if count == COMMITS_SHARED_MAX or size > COMMITS_SHARED_BYTES_MAX:
            return commits[len(commits) - count :]
    return commits


commit_of: Final = _Shared().commit_of
"""Returns what a committed transaction did, read once for all streams."""
