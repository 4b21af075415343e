"""Watches: the events of keys, from a revision on, in the order of revisions.

A watch is told of committed revisions alone, each whole and once. It begins with what
the tables hold of the past, up to what is committed then. What is committed later is
read from the transactions themselves.

What a client asks and what is committed wait in one queue. A step takes from it until
enough is sent, and the rest waits until the client has taken that.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from apps.etcd.events import Revision, SharedEvent, commit_of
from apps.etcd.limits import (
    WATCH_BATCH_REVISIONS_MAX,
    WATCH_EVENTS_MAX,
    WATCH_FRAGMENT_BYTES,
    WATCH_PAST_BYTES_MAX,
    WATCH_RESPONSE_BYTES_MAX,
    WATCH_STEP_BYTES,
    WATCHED_KEYS_BYTES_MAX,
    WATCHES_MAX,
)
from apps.etcd.messages import (
    EventType,
    FilterType,
    ResponseHeader,
    WatchCancelRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from apps.etcd.store import ALL, KeyRange, Store
from apps.etcd.wire import encode
from ccfpy.app import WriteSet, grpc_message

HeaderAt = Callable[[int], ResponseHeader]
"""Returns the header of an answer that speaks of a revision."""
HasRoom = Callable[[int], bool]
"""Returns whether a caller may have one more watch, with so many bytes of the past."""
ALL_WATCHES = -1
"""The number under which progress is told, and a watch that was not created."""
TOO_MANY = "etcdserver: too many requests"
EMPTY_RANGE = "mvcc: watcher range is empty"
_FIRST_KEY = b"\x00"
_NO_REVISION = 0
_LOOK_BYTES = 64
"""What a look at one watch counts for, beside what is sent."""
_LEFT_OUT = {FilterType.NOPUT: EventType.PUT, FilterType.NODELETE: EventType.DELETE}


@dataclass(frozen=True, slots=True)
class Watch:
    """What one watch wants.

    Attributes:
        keys: whose events.
        first: the first revision that was not told when the watch began.
        left_out: kinds of events that are not told.
        has_previous: whether events have what stood there before.
        may_divide: whether the events of a revision may come in several answers.
    """

    keys: KeyRange
    first: int
    left_out: frozenset[int]
    has_previous: bool
    may_divide: bool = False

    def chosen(self, revision: Revision) -> list[SharedEvent]:
        """Return those of a revision's events that the watch wants."""
        return [
            each
            for each in revision.within(self.keys)
            if each.event.type not in self.left_out
        ]


@dataclass(slots=True)
class _News:
    """A revision, and the watches that were not told of it yet."""

    revision: Revision
    watch_ids: deque[int]


@dataclass(slots=True)
class _Past:
    """What a watch was not told yet of what was over when it began.

    Attributes:
        revision: of the store, when the watch began.
        events: of each revision that is left.
        size: about how many bytes these have.
    """

    watch_id: int
    revision: int
    events: deque[list[SharedEvent]]
    size: int

    def take(self, *, has_previous: bool) -> list[SharedEvent]:
        """Return the events of the next revisions, which are told together."""
        taken: list[SharedEvent] = []
        size = 0
        for _ in range(WATCH_BATCH_REVISIONS_MAX):
            if not self.events or size >= WATCH_STEP_BYTES:
                break
            some = self.events.popleft()
            taken += some
            self.size -= sum(each.size for each in some)
            size += sum(len(each.field(has_previous=has_previous)) for each in some)
        return taken


class Watches:
    """The watches of one stream.

    Attributes:
        revision: all events up to this revision were told.
    """

    def __init__(self, revision: int, has_room: HasRoom = lambda _: True) -> None:
        self.revision = revision
        self._has_room = has_room
        self._watches: dict[int, Watch] = {}
        self._keys_bytes = 0
        self._next_id = 0
        self._queue: deque[WatchRequest | WriteSet | _News | _Past | int] = deque()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._watches)

    @property
    def past_bytes(self) -> int:
        """About how many bytes of the past wait to be told."""
        return sum(each.size for each in self._queue if isinstance(each, _Past))

    @property
    def is_told(self) -> bool:
        """Whether nothing waits to be told."""
        return not self._queue

    def ask(self, request: WatchRequest) -> None:
        """Take a request of the client."""
        self._queue.append(request)

    def commit(self, writes: WriteSet) -> None:
        """Take a committed transaction."""
        self._queue.append(writes)

    def tell(self, store: Store, header_at: HeaderAt, room: int) -> Iterator[bytes]:
        """Return what is sent next, in pieces, until that is about as much as may be.

        Args:
            store: the keys as they are now; only what is committed is told.
            header_at: makes the headers of answers.
            room: how many bytes may be sent. A look at a watch that has nothing to
                be told counts too, as it takes time.
        """
        while self._queue and room > 0:
            for piece in self._next(store, header_at):
                room -= len(piece)
                yield piece
            room -= _LOOK_BYTES

    def _next(self, store: Store, header_at: HeaderAt) -> Iterator[bytes]:
        """Return what the next of the queue has to be sent."""
        first = self._queue.popleft()
        match first:
            case WatchRequest():
                for each in self._asked(first, store, header_at):
                    yield grpc_message(encode(each))
            case _News():
                watch_id = first.watch_ids.popleft()
                if first.watch_ids:
                    self._queue.appendleft(first)
                watch = self._watches.get(watch_id)
                if watch is not None and first.revision.number >= watch.first:
                    chosen, at = watch.chosen(first.revision), first.revision.number
                    yield from self._events(watch_id, watch, header_at(at), chosen)
            case _Past():
                past_watch = self._watches.get(first.watch_id)
                if past_watch is None:
                    return
                events = first.take(has_previous=past_watch.has_previous)
                if first.events:
                    self._queue.appendleft(first)
                header = header_at(first.revision)
                yield from self._events(first.watch_id, past_watch, header, events)
            case int():
                self.revision = max(self.revision, first)
            case _:
                self._committed(first)

    def _committed(self, writes: WriteSet) -> None:
        """Put what is to be told of a committed transaction first into the queue."""
        commit = commit_of(writes)
        self._queue.appendleft(commit.last)
        if self._watches:
            self._queue.extendleft(
                _News(revision, deque(self._watches))
                for revision in reversed(commit.revisions)
            )

    # Answers

    def _asked(
        self, request: WatchRequest, store: Store, header_at: HeaderAt
    ) -> list[WatchResponse]:
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
        refusal = self._refusal(request, watch_id)
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
                header=header_at(_NO_REVISION),
                watch_id=watch_id,
                canceled=True,
                compact_revision=store.compacted,
            )
            return [created, compacted]
        first = first if first > 0 else committed + 1
        watch = Watch(
            keys=_keys_of(request),
            first=max(first, committed + 1),
            left_out=frozenset(
                _LEFT_OUT[kind] for kind in FilterType if kind in request.filters
            ),
            has_previous=request.prev_kv,
            may_divide=request.fragment,
        )
        past = _past(store, watch, first, committed)
        size = sum(each.size for each in chain.from_iterable(past))
        too_much = _too_much(sum(map(len, past)), size)
        if not too_much and not self._has_room(size):
            too_much = TOO_MANY
        if too_much:
            return [
                created,
                WatchResponse(
                    header=header,
                    watch_id=watch_id,
                    canceled=True,
                    cancel_reason=too_much,
                ),
            ]
        self._watches[watch_id] = watch
        self._keys_bytes += _bytes_of(watch.keys)
        if past:
            self._queue.appendleft(_Past(watch_id, committed, deque(past), size))
        return [created]

    def _refusal(self, request: WatchCreateRequest, watch_id: int) -> str:
        """Return why a watch is not created; nothing if it is."""
        keys = _keys_of(request)
        if keys.end and keys.end != ALL and keys.key >= keys.end:
            return EMPTY_RANGE
        if watch_id in self._watches:
            return "mvcc: duplicate watch ID provided on the WatchStream"
        if (
            len(self._watches) >= WATCHES_MAX
            or self._keys_bytes + _bytes_of(keys) > WATCHED_KEYS_BYTES_MAX
            or not self._has_room(0)
        ):
            return TOO_MANY
        return ""

    def _free_id(self) -> int:
        while self._next_id in self._watches:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _cancel(
        self, request: WatchCancelRequest, header_at: HeaderAt
    ) -> list[WatchResponse]:
        if not self._forget(request.watch_id):
            return []
        header = header_at(self.revision)
        return [WatchResponse(header=header, watch_id=request.watch_id, canceled=True)]

    def _forget(self, watch_id: int) -> bool:
        watch = self._watches.pop(watch_id, None)
        if watch is None:
            return False
        self._keys_bytes -= _bytes_of(watch.keys)
        return True

    def _events(
        self,
        watch_id: int,
        watch: Watch,
        header: ResponseHeader,
        events: Sequence[SharedEvent],
    ) -> Iterator[bytes]:
        """Return the answers that tell a watch of events, in pieces."""
        if not events:
            return
        fields = [each.field(has_previous=watch.has_previous) for each in events]
        size = sum(map(len, fields))
        if size > WATCH_RESPONSE_BYTES_MAX and not watch.may_divide:
            self._forget(watch_id)
            text = f"more than {WATCH_RESPONSE_BYTES_MAX} bytes: ask for fragments"
            ended = WatchResponse(
                header=header, watch_id=watch_id, canceled=True, cancel_reason=text
            )
            yield grpc_message(encode(ended))
            return
        parts = list(_fragments(fields)) if watch.may_divide else [fields]
        for part in parts:
            is_fragment = part is not parts[-1]
            head = encode(
                WatchResponse(header=header, watch_id=watch_id, fragment=is_fragment)
            )
            yield _frame_of(head, part)
            yield from part


def _frame_of(head: bytes, fields: Sequence[bytes]) -> bytes:
    """Return the beginning of a message: its frame, and what stands before events."""
    size = len(head) + sum(map(len, fields))
    return b"\0" + size.to_bytes(4) + head


def _fragments(fields: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Divide events, so that each answer has about as much as etcd's."""
    part: list[bytes] = []
    size = 0
    for each in fields:
        if part and size + len(each) > WATCH_FRAGMENT_BYTES:
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each)
    yield part


def _keys_of(request: WatchCreateRequest) -> KeyRange:
    return KeyRange(request.key or _FIRST_KEY, request.range_end)


def _bytes_of(keys: KeyRange) -> int:
    """Return how long the ends of a range are, which a client chooses."""
    return len(keys.key) + len(keys.end)


def _past(
    store: Store, watch: Watch, first: int, committed: int
) -> list[list[SharedEvent]]:
    """List the events of committed revisions from one on."""
    if first > committed:
        return []
    revisions = map(Revision, store.events_since(first))
    chosen = (watch.chosen(each) for each in revisions if each.number <= committed)
    return [events for events in chosen if events]


def _too_much(events: int, size: int) -> str:
    """Return why a watch may not begin with so much of the past; nothing if it may."""
    if events > WATCH_EVENTS_MAX:
        return f"more than {WATCH_EVENTS_MAX} events since the revision"
    if size > WATCH_PAST_BYTES_MAX:
        return f"more than {WATCH_PAST_BYTES_MAX} bytes of events since the revision"
    return ""
