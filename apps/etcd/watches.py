"""Watches: the events of keys, from a revision on, in the order of revisions.

A watch is told of committed revisions alone, each whole and once. It begins with what
the tables hold of the past, up to what is committed then. What is committed later is
read from the transactions themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from apps.etcd.limits import (
    WATCH_EVENTS_MAX,
    WATCHED_KEYS_BYTES_MAX,
    WATCHES_MAX,
)
from apps.etcd.messages import (
    Event,
    EventType,
    FilterType,
    ResponseHeader,
    WatchCancelRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from apps.etcd.store import KeyRange, Store, events_of
from apps.etcd.tables import CHANGES, COUNTERS, KEYS, Counters
from ccfpy.app import WriteSet

HeaderAt = Callable[[int], ResponseHeader]
"""Returns the header of an answer that speaks of a revision."""
ALL_WATCHES = -1
"""The number under which progress is told, and a watch that was not created."""
_FIRST_KEY = b"\x00"
_LEFT_OUT = {FilterType.NOPUT: EventType.PUT, FilterType.NODELETE: EventType.DELETE}


@dataclass(frozen=True, slots=True)
class Watch:
    """What one watch wants.

    Attributes:
        keys: whose events.
        first: the first revision that was not told when the watch began.
        left_out: kinds of events that are not told.
        has_previous: whether events have what stood there before.
    """

    keys: KeyRange
    first: int
    left_out: frozenset[int]
    has_previous: bool

    def chosen(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Return those of a revision's events that the watch wants."""
        return tuple(
            event if self.has_previous else replace(event, prev_kv=None)
            for event in events
            if event.kv is not None
            and event.type not in self.left_out
            and self.keys.has(event.kv.key)
        )


class Watches:
    """The watches of one stream.

    Attributes:
        revision: all events up to this revision were told.
    """

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self._watches: dict[int, Watch] = {}
        self._next_id = 0

    def asked(
        self, request: WatchRequest, store: Store, header_at: HeaderAt
    ) -> list[WatchResponse]:
        """Return what to answer to a request of the client.

        Args:
            request: the request.
            store: the keys as they are now; only what is committed is told.
            header_at: makes the headers of answers.
        """
        if request.create_request is not None:
            return self._create(request.create_request, store, header_at)
        if request.cancel_request is not None:
            return self._cancel(request.cancel_request, header_at)
        if request.progress_request is not None:
            header = header_at(self.revision)
            return [WatchResponse(header=header, watch_id=ALL_WATCHES)]
        return []

    def _create(
        self, request: WatchCreateRequest, store: Store, header_at: HeaderAt
    ) -> list[WatchResponse]:
        committed = store.committed_revision
        header = header_at(committed)
        watch_id = request.watch_id or self._free_id()
        refusal = ""
        if watch_id in self._watches:
            refusal = "mvcc: duplicate watch ID provided on the WatchStream"
        elif (
            len(self._watches) >= WATCHES_MAX
            or self._keys_bytes + len(request.key) + len(request.range_end)
            > WATCHED_KEYS_BYTES_MAX
        ):
            refusal = "etcdserver: too many requests"
        if refusal:
            return [
                WatchResponse(
                    header=header,
                    watch_id=ALL_WATCHES,
                    created=True,
                    canceled=True,
                    cancel_reason=refusal,
                )
            ]
        created = WatchResponse(header=header, watch_id=watch_id, created=True)
        first = request.start_revision
        if 0 < first < store.compacted:
            compacted = WatchResponse(
                header=header,
                watch_id=watch_id,
                canceled=True,
                compact_revision=store.compacted,
            )
            return [created, compacted]
        first = first if first > 0 else committed + 1
        watch = Watch(
            keys=KeyRange(request.key or _FIRST_KEY, request.range_end),
            first=max(first, committed + 1),
            left_out=frozenset(
                _LEFT_OUT[kind] for kind in FilterType if kind in request.filters
            ),
            has_previous=request.prev_kv,
        )
        past = _past(store, watch, first, committed)
        if sum(map(len, past)) > WATCH_EVENTS_MAX:
            too_much = WatchResponse(
                header=header,
                watch_id=watch_id,
                canceled=True,
                cancel_reason=f"more than {WATCH_EVENTS_MAX} events since the revision",
            )
            return [created, too_much]
        self._watches[watch_id] = watch
        return [created, *(_response(watch_id, each, header_at) for each in past)]

    @property
    def _keys_bytes(self) -> int:
        """How long the ends of all ranges are, which a client chooses."""
        ranges = (watch.keys for watch in self._watches.values())
        return sum(len(each.key) + len(each.end) for each in ranges)

    def _free_id(self) -> int:
        while self._next_id in self._watches:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _cancel(
        self, request: WatchCancelRequest, header_at: HeaderAt
    ) -> list[WatchResponse]:
        if self._watches.pop(request.watch_id, None) is None:
            return []
        header = header_at(self.revision)
        return [WatchResponse(header=header, watch_id=request.watch_id, canceled=True)]

    def committed(self, writes: WriteSet, header_at: HeaderAt) -> list[WatchResponse]:
        """Return what to tell of a committed transaction."""
        keys = KEYS.decode_writes(writes.get(KEYS.name, {}))
        changes = [
            (row, change)
            for row, change in sorted(
                CHANGES.decode_writes(writes.get(CHANGES.name, {})).items()
            )
            if change is not None  # else the row was compacted
        ]
        counters = COUNTERS.decode_writes(writes.get(COUNTERS.name, {})) or Counters()
        self.revision = max(self.revision, counters.revision)
        return [
            _response(watch_id, chosen, header_at)
            for events in events_of(changes, keys.get)
            for watch_id, watch in self._watches.items()
            if _revision(events) >= watch.first and (chosen := watch.chosen(events))
        ]


def _past(
    store: Store, watch: Watch, first: int, committed: int
) -> list[tuple[Event, ...]]:
    """List the events of committed revisions from one on."""
    if first > committed:
        return []
    chosen = (
        watch.chosen(events)
        for events in store.events_since(first)
        if _revision(events) <= committed
    )
    return [events for events in chosen if events]


def _revision(events: Sequence[Event]) -> int:
    kv = events[0].kv
    assert kv is not None, "every event is of a key"
    return kv.mod_revision


def _response(
    watch_id: int, events: tuple[Event, ...], header_at: HeaderAt
) -> WatchResponse:
    header = header_at(_revision(events))
    return WatchResponse(header=header, watch_id=watch_id, events=events)
