"""Watches: every committed event of their keys, once, in order."""

from collections import deque
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.etcd.limits import (
    WATCH_BATCH_REVISIONS_MAX,
    WATCH_EVENTS_MAX,
    WATCH_FRAGMENT_BYTES,
    WATCH_PAST_BYTES_MAX,
    WATCH_RESPONSE_BYTES_MAX,
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
    WatchProgressRequest,
    WatchRequest,
    WatchResponse,
)
from apps.etcd.store import ALL, KeyRange, Store
from apps.etcd.watches import ALL_WATCHES, Watches
from apps.etcd.wire import decode, encode
from ccfpy.app import GrpcMessages
from ccfpy.kv.store import Store as Tables
from tests.apps.etcd_kit import is_within

if TYPE_CHECKING:
    from ccfpy.app import WriteSet

NAMES = st.sampled_from([b"a", b"ab", b"b", b"c"])
ENDS = st.sampled_from([b"", ALL, b"b", b"c"])


def header_at(revision: int) -> ResponseHeader:
    return ResponseHeader(revision=revision)


class Watched:
    """Keys, a stream of watches on them, and what was not committed yet."""

    def __init__(self) -> None:
        self.tables = Tables(0)
        self.applied: deque[tuple[int, WriteSet]] = deque()
        self.watches = Watches(1)
        self.heard: list[WatchResponse] = []
        self.events: list[Event] = []
        """All events there ever were, as calls told them."""

    def write(self, *changes: "tuple[bytes, bytes] | KeyRange") -> None:
        tx = self.tables.begin()
        store = Store(tx)
        for change in changes:
            if isinstance(change, KeyRange):
                store.delete(change)
            else:
                store.put(*change, 0)
        writes = {name: dict(each) for name, each in tx.writes.items()}
        done = self.tables.commit(tx)
        self.events += store.events
        if done is not None and writes:
            self.applied.append((self.tables.version, writes))

    def compact(self, revision: int) -> None:
        tx = self.tables.begin()
        Store(tx).compact(revision)
        writes = {name: dict(each) for name, each in tx.writes.items()}
        self.tables.commit(tx)
        self.applied.append((self.tables.version, writes))

    def commit(self) -> None:
        """Commit all that is applied, and tell the stream."""
        while self.applied:
            seqno, writes = self.applied.popleft()
            self.tables.compact(seqno)
            self.watches.commit(writes)
            self.tell()

    def tell(self, room: int = 1 << 30) -> list[WatchResponse]:
        """Send what waits, in one step; return what is heard."""
        store = Store(self.tables.begin(read_only=True))
        sent = b"".join(self.watches.tell(store, header_at, room))
        messages = GrpcMessages().feed(sent)
        answers = [decode(WatchResponse, each) for each in messages]
        self.heard += answers
        return answers

    def ask(self, **request: object) -> list[WatchResponse]:
        self.watches.ask(WatchRequest(**request))  # type: ignore[arg-type]
        return self.tell()

    def create(self, **request: object) -> list[WatchResponse]:
        return self.ask(create_request=WatchCreateRequest(**request))  # type: ignore[arg-type]

    def told(self, watch_id: int = 0) -> list[Event]:
        return [
            event
            for each in self.heard
            if each.watch_id == watch_id
            for event in each.events
        ]


CHANGES = st.lists(
    st.one_of(
        st.tuples(NAMES, st.sampled_from([b"", b"1"])), st.builds(KeyRange, NAMES, ENDS)
    ),
    max_size=8,
)


def revision_of(event: Event) -> int:
    assert event.kv is not None
    return event.kv.mod_revision


REQUESTS = st.builds(
    WatchCreateRequest,
    key=NAMES,
    range_end=ENDS,
    start_revision=st.integers(0, 12),
    prev_kv=st.booleans(),
).filter(lambda each: each.range_end in (b"", ALL) or each.key < each.range_end)


@given(CHANGES, CHANGES, CHANGES, REQUESTS)
def test_a_watch_is_told_every_committed_event_once_in_order(
    before: list[tuple[bytes, bytes] | KeyRange],
    pending: list[tuple[bytes, bytes] | KeyRange],
    after: list[tuple[bytes, bytes] | KeyRange],
    request_: WatchCreateRequest,
) -> None:
    watched = Watched()
    for change in before:
        watched.write(change)
    watched.commit()
    for change in pending:
        watched.write(change)
    committed = Store(watched.tables.begin(read_only=True)).committed_revision
    created, *_ = watched.ask(create_request=request_)
    assert (created.created, created.watch_id) == (True, 0)
    assert all(revision_of(each) <= committed for each in watched.told())
    watched.commit()
    for change in after:
        watched.write(change)
    watched.commit()
    expected = [
        event
        for event in watched.events
        if event.kv is not None
        and is_within(event.kv.key, request_.key, request_.range_end)
        and revision_of(event) >= (request_.start_revision or committed + 1)
    ]
    told = watched.told()
    assert [(e.type, e.kv) for e in told] == [(e.type, e.kv) for e in expected]
    previous = [each.prev_kv if request_.prev_kv else None for each in expected]
    assert [each.prev_kv for each in told] == previous


def test_the_events_of_a_revision_come_together() -> None:
    watched = Watched()
    watched.create(key=b"a", range_end=ALL)
    watched.write((b"a", b"1"), (b"b", b"1"))
    watched.write((b"c", b"1"))
    watched.commit()
    assert [len(each.events) for each in watched.heard] == [0, 2, 1]
    assert [each.header for each in watched.heard] == [
        ResponseHeader(revision=revision) for revision in (1, 2, 3)
    ]
    late = watched.create(key=b"a", range_end=ALL, start_revision=1)
    assert [len(each.events) for each in late] == [0, 3], "the past, told at once"
    assert late[1].header == ResponseHeader(revision=3), "as the store is"


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ((), [EventType.PUT, EventType.DELETE]),
        ((FilterType.NOPUT,), [EventType.DELETE]),
        ((FilterType.NODELETE,), [EventType.PUT]),
        ((FilterType.NOPUT, FilterType.NODELETE), []),
    ],
    ids=str,
)
def test_kinds_of_events_are_left_out(
    left_out: tuple[int, ...], told: list[EventType]
) -> None:
    watched = Watched()
    watched.create(key=b"a", filters=left_out)
    watched.write((b"a", b"1"))
    watched.write(KeyRange(b"a"))
    watched.commit()
    assert [event.type for event in watched.told()] == told


def test_a_watch_ends_when_it_is_cancelled() -> None:
    watched = Watched()
    watched.create(key=b"a", watch_id=5)
    watched.create(key=b"a")
    (ended,) = watched.ask(cancel_request=WatchCancelRequest(watch_id=5))
    assert (ended.watch_id, ended.canceled) == (5, True)
    assert watched.ask(cancel_request=WatchCancelRequest(watch_id=5)) == []
    watched.write((b"a", b"1"))
    watched.commit()
    assert (len(watched.told(5)), len(watched.told(0))) == (0, 1)


def test_watches_have_numbers_of_the_clients_or_free_ones() -> None:
    watched = Watched()
    created = [watched.create(key=b"a", watch_id=given) for given in (1, 0, 0, 2, 1)]
    assert [(each.watch_id, each.canceled) for (each,) in created] == [
        (1, False),
        (0, False),
        (2, False),
        (ALL_WATCHES, True),
        (ALL_WATCHES, True),
    ]
    refused = created[-1][0]
    assert refused.cancel_reason.startswith("mvcc: duplicate watch ID")


def test_a_revision_that_is_compacted_ends_the_watch() -> None:
    watched = Watched()
    for value in (b"1", b"2", b"3"):
        watched.write((b"a", value))
    watched.compact(3)
    watched.commit()
    created, ended = watched.create(key=b"a", start_revision=2)
    assert created.created
    assert (ended.canceled, ended.compact_revision) == (True, 3)
    watched.create(key=b"a", start_revision=3)
    watched.write((b"a", b"4"))
    watched.commit()
    assert [revision_of(each) for each in watched.told(1)] == [3, 4, 5]
    assert watched.told(0) == []


def test_progress_is_what_was_told() -> None:
    watched = Watched()
    watched.create(key=b"a")
    watched.write((b"b", b"1"))
    progress = WatchProgressRequest()
    (early,) = watched.ask(progress_request=progress)
    watched.commit()
    (late,) = watched.ask(progress_request=progress)
    assert (early.watch_id, late.watch_id) == (ALL_WATCHES, ALL_WATCHES)
    assert (early.header, late.header) == (header_at(1), header_at(2))
    assert watched.ask() == []


def test_no_key_means_all_keys_from_the_first() -> None:
    watched = Watched()
    watched.create(range_end=ALL)
    watched.write((b"\x00", b"1"))
    watched.commit()
    assert len(watched.told()) == 1


def test_the_number_of_watches_is_bounded() -> None:
    watched = Watched()
    for _ in range(WATCHES_MAX):
        (created,) = watched.create(key=b"a")
        assert not created.canceled
    (refused,) = watched.create(key=b"a")
    assert (refused.created, refused.canceled) == (True, True)
    assert refused.cancel_reason == "etcdserver: too many requests"


@pytest.mark.parametrize("end", [b"a", b"b"])
def test_a_watch_of_an_empty_range_is_refused(end: bytes) -> None:
    watched = Watched()
    (refused,) = watched.create(key=b"b", range_end=end)
    assert (refused.created, refused.canceled) == (True, True)
    assert refused.watch_id == ALL_WATCHES
    assert refused.cancel_reason == "mvcc: watcher range is empty"


def test_the_past_is_told_in_batches_of_revisions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert WATCH_BATCH_REVISIONS_MAX == 1000
    monkeypatch.setattr("apps.etcd.watches.WATCH_BATCH_REVISIONS_MAX", 2)
    watched = Watched()
    for value in (b"1", b"2", b"3"):
        watched.write((b"a", value), (b"b", value))
    watched.commit()
    _, *told = watched.create(key=b"a", range_end=ALL, start_revision=1)
    assert [len(each.events) for each in told] == [4, 2]
    assert {each.header for each in told} == {header_at(4)}


def test_a_step_looks_at_a_bounded_number_of_watches() -> None:
    watched = Watched()
    for _ in range(100):
        watched.create(key=b"none")
    watched.write((b"a", b"1"))
    ((_, writes),) = watched.applied
    watched.watches.commit(writes)
    steps = 0
    while not watched.watches.is_told:
        assert watched.tell(room=640) == []
        steps += 1
    assert steps == 11, "ten looks in each step, and one for the transaction"


@pytest.mark.parametrize("fragment", [True, False])
@pytest.mark.parametrize("excess", [0, 1])
def test_a_very_long_answer_is_divided_or_ends_its_watch(
    monkeypatch: pytest.MonkeyPatch, *, fragment: bool, excess: int
) -> None:
    assert (WATCH_RESPONSE_BYTES_MAX, WATCH_FRAGMENT_BYTES) == (16 << 20, 3 << 19)
    watched = Watched()
    watched.create(key=b"a", range_end=ALL)
    watched.write(*((b"%d" % number, b"") for number in range(10, 14)))
    watched.write(*((b"a%d" % number, b"") for number in range(10, 14)))
    watched.commit()
    length = sum(len(encode(WatchResponse(events=(e,)))) for e in watched.told())
    watched.ask(cancel_request=WatchCancelRequest(watch_id=0))
    monkeypatch.setattr("apps.etcd.watches.WATCH_RESPONSE_BYTES_MAX", length - excess)
    monkeypatch.setattr("apps.etcd.watches.WATCH_FRAGMENT_BYTES", length // 2)
    watched.create(key=b"a", range_end=ALL, fragment=fragment, watch_id=7)
    watched.heard.clear()
    watched.write(*((b"a%d" % number, b"") for number in range(14, 18)))
    watched.commit()
    told = [(len(each.events), each.fragment, each.canceled) for each in watched.heard]
    if fragment:
        assert told == [(2, True, False), (2, False, False)]
    elif excess:
        assert told == [(0, False, True)]
    else:
        assert told == [(4, False, False)]


@pytest.mark.parametrize("excess", [0, 1])
def test_the_keys_of_all_watches_of_a_stream_are_bounded(excess: int) -> None:
    assert WATCHED_KEYS_BYTES_MAX == 1 << 18
    watched = Watched()
    half = WATCHED_KEYS_BYTES_MAX // 2
    (first,) = watched.create(key=b"a" * half)
    (second,) = watched.create(key=b"b", range_end=b"c" * (half - 1 + excess))
    assert (first.canceled, second.canceled) == (False, bool(excess))
    watched.ask(cancel_request=WatchCancelRequest(watch_id=first.watch_id))
    (third,) = watched.create(key=b"d" * half)
    assert third.canceled is False, "what was cancelled leaves room"


def test_the_events_of_the_past_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WATCH_EVENTS_MAX == 10_000
    monkeypatch.setattr("apps.etcd.watches.WATCH_EVENTS_MAX", 3)
    watched = Watched()
    for value in (b"1", b"2", b"3"):
        watched.write((b"a", value), (b"b", value))
    watched.commit()
    created, told = watched.create(key=b"a", start_revision=1)
    assert (created.created, len(told.events)) == (True, 3)
    _, refused = watched.create(key=b"a", range_end=ALL, start_revision=1)
    assert (refused.canceled, "more than 3 events" in refused.cancel_reason) == (
        True,
        True,
    )


@pytest.mark.parametrize("excess", [0, 1])
def test_the_bytes_of_the_past_are_bounded(
    monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    assert WATCH_PAST_BYTES_MAX == 32 << 20
    monkeypatch.setattr("apps.etcd.watches.WATCH_PAST_BYTES_MAX", 10)
    watched = Watched()
    watched.write((b"a", bytes(9 + excess)))
    watched.commit()
    _, told = watched.create(key=b"a", start_revision=1)
    assert told.canceled == bool(excess)
    assert ("more than 10 bytes" in told.cancel_reason) == bool(excess)
