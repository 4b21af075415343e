"""The keys of etcd: revisions, history, leases, and a dictionary that agrees."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.etcd.limits import (
    LEASED_BYTES_ENDED_MAX,
    LEASED_KEYS_ENDED_MAX,
    LEASES_ENDED_MAX,
    LEASES_MAX,
)
from apps.etcd.messages import Event, EventType
from apps.etcd.refusals import Refusal, Refused
from apps.etcd.store import ALL, KeyRange, Store
from tests.apps.etcd_kit import Keys, Model

KEYS = st.sampled_from([b"", b"\x00", b"a", b"a\x00", b"ab", b"b", b"b\xff", b"\xff"])
NAMES = KEYS.filter(bool)
VALUES = st.sampled_from([b"", b"1", b"2"])
RANGES = st.builds(KeyRange, NAMES, KEYS)
CHANGES = st.lists(st.one_of(st.tuples(NAMES, VALUES), RANGES), max_size=12)


def change(keys: Keys, model: Model, what: tuple[bytes, bytes] | KeyRange) -> None:
    if isinstance(what, KeyRange):
        gone = keys.run(lambda store: store.delete(what))
        assert len(gone) == model.delete(what.key, what.end)
    else:
        keys.run(lambda store: store.put(*what, 0))
        model.put(*what)


def refusal_of(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.text


@given(CHANGES, RANGES)
def test_every_revision_reads_as_it_was(
    changes: list[tuple[bytes, bytes] | KeyRange], wanted: KeyRange
) -> None:
    keys, model = Keys(), Model()
    for what in changes:
        change(keys, model, what)
    store = keys.read(lambda store: store)
    assert store.revision == model.revision
    assert store.range(wanted) == model.range(wanted.key, wanted.end)
    for revision in range(1, model.revision + 1):
        expected = model.range(wanted.key, wanted.end, revision)
        assert store.range(wanted, revision) == expected


@given(CHANGES, st.integers(1, 12))
def test_the_events_since_a_revision_lead_to_the_present(
    changes: list[tuple[bytes, bytes] | KeyRange], first: int
) -> None:
    keys, model = Keys(), Model()
    for what in changes:
        change(keys, model, what)
    state = dict(model.states[min(first - 1, model.revision)])
    for number, events in enumerate(
        keys.read(lambda store: store.events_since(first)), max(first, 2)
    ):
        for event in events:
            assert event.kv is not None
            assert event.kv.mod_revision == number
            assert event.prev_kv == state.get(event.kv.key)
            if event.type == EventType.DELETE:
                del state[event.kv.key]
            else:
                state[event.kv.key] = event.kv
        assert state == model.states[number]
    assert state == model.now


@given(CHANGES, st.integers(-1, 14), RANGES)
def test_a_compaction_forgets_what_was_before_it_and_nothing_else(
    changes: list[tuple[bytes, bytes] | KeyRange], revision: int, wanted: KeyRange
) -> None:
    keys, model = Keys(), Model()
    for what in changes:
        change(keys, model, what)
    if revision > model.revision or revision < 1:
        refusal = (
            Refusal.FUTURE_REVISION if revision > model.revision else Refusal.COMPACTED
        )
        text = refusal_of(lambda: keys.run(lambda store: store.compact(revision)))
        assert text == refusal.value[1]
        return
    keys.run(lambda store: store.compact(revision))
    store = keys.read(lambda store: store)
    assert store.revision == model.revision
    for each in range(1, model.revision + 1):
        if each < revision:
            text = refusal_of(lambda each=each: store.range(wanted, each))  # type: ignore[misc]
            assert text == Refusal.COMPACTED.value[1]
        else:
            expected = model.range(wanted.key, wanted.end, each)
            assert store.range(wanted, each) == expected
    again = refusal_of(lambda: keys.run(lambda store: store.compact(revision)))
    assert again == Refusal.COMPACTED.value[1]


def test_a_compaction_removes_the_rows_of_older_revisions() -> None:
    keys = Keys()
    for value in (b"1", b"2", b"3"):
        keys.run(lambda store, value=value: store.put(b"k", value, 0))  # type: ignore[misc]
    changes = keys.tables.begin(read_only=True).raw("etcd.changes")
    assert changes.size() == 3
    keys.run(lambda store: store.compact(4))
    assert keys.tables.begin(read_only=True).raw("etcd.changes").size() == 1


# Leases

LEASE = 7


def granted(ttl_s: int = 10) -> Keys:
    keys = Keys()
    keys.run(lambda store: store.grant(LEASE, ttl_s, 0))
    return keys


def test_the_keys_of_a_lease_end_with_it_in_one_revision() -> None:
    keys = granted()
    for key in (b"b", b"a", b"\xff"):
        keys.run(lambda store, key=key: store.put(key, b"v", LEASE))  # type: ignore[misc]
    keys.run(lambda store: store.put(b"c", b"v", 0))
    assert keys.read(lambda store: store.keys_of(LEASE)) == [b"a", b"b", b"\xff"]
    assert keys.read(lambda store: store.first_keys_of(LEASE, 2)) == [b"a", b"b"]
    keys.run(lambda store: store.revoke(LEASE))
    store = keys.read(lambda store: store)
    assert [kv.key for kv in store.range(KeyRange(b"\x00", ALL))] == [b"c"]
    assert store.revision == 6
    assert store.leases() == []


def test_a_key_leaves_its_lease_when_it_is_set_without_it_or_deleted() -> None:
    keys = granted()
    keys.run(lambda store: store.grant(8, 10, 0))
    for key in (b"a", b"b", b"c"):
        keys.run(lambda store, key=key: store.put(key, b"", LEASE))  # type: ignore[misc]
    keys.run(lambda store: store.put(b"a", b"", 0))
    keys.run(lambda store: store.put(b"b", b"", 8))
    keys.run(lambda store: store.delete(KeyRange(b"c")))
    assert keys.read(lambda store: store.keys_of(LEASE)) == []
    assert keys.read(lambda store: store.keys_of(8)) == [b"b"]


@pytest.mark.parametrize("lease_id", [-1, 1, (1 << 63) - 1, -(1 << 63)])
def test_any_number_names_a_lease(lease_id: int) -> None:
    keys = Keys()
    keys.run(lambda store: store.grant(lease_id, 10, 0))
    keys.run(lambda store: store.put(b"k", b"", lease_id))
    assert keys.read(lambda store: store.keys_of(lease_id)) == [b"k"]
    assert keys.read(lambda store: store.leases()) == [lease_id]


def test_a_lease_ends_at_its_time_before_what_is_written_then() -> None:
    keys = granted(ttl_s=10)
    keys.run(lambda store: store.put(b"k", b"", LEASE))

    def write(store: Store) -> list[Event]:
        store.end_leases(10_000)
        store.put(b"other", b"", 0)
        return store.events

    keys.run(lambda store: store.end_leases(9_999))
    assert keys.read(lambda store: store.get(b"k")) is not None
    (event,) = keys.run(write)
    assert event.kv is not None
    assert (event.kv.key, event.kv.mod_revision) == (b"other", 4)
    store = keys.read(lambda store: store)
    assert [[each.type for each in one] for one in store.events_since(3)] == [
        [EventType.DELETE],
        [EventType.PUT],
    ]
    assert store.range(KeyRange(b"k"), 2) != []


def test_a_lease_whose_time_is_over_is_none_before_it_is_removed() -> None:
    store = granted(ttl_s=10).read(lambda store: store)
    assert store.lease(LEASE, 9_999) is not None
    assert store.lease(LEASE, 10_000) is None


def test_a_lease_that_is_renewed_lasts_again_as_long() -> None:
    keys = granted(ttl_s=10)
    assert keys.run(lambda store: store.keep_alive(LEASE, 8_000)) == 10
    keys.run(lambda store: store.end_leases(17_999))
    assert keys.read(lambda store: store.leases()) == [LEASE]
    keys.run(lambda store: store.end_leases(18_000))
    assert keys.read(lambda store: store.leases()) == []
    assert keys.run(lambda store: store.keep_alive(LEASE, 18_000)) == 0


def test_leases_end_in_the_order_of_their_times() -> None:
    keys = Keys()
    for lease_id, ttl_s in ((1, 30), (2, 10), (3, 20)):
        keys.run(lambda store, a=lease_id, b=ttl_s: store.grant(a, b, 0))  # type: ignore[misc]
        keys.run(lambda store, a=lease_id: store.put(b"%d" % a, b"", a))  # type: ignore[misc]
    keys.run(lambda store: store.end_leases(20_000))
    ended = keys.read(lambda store: store.events_since(5))
    assert [[each.kv.key for each in one if each.kv] for one in ended] == [
        [b"2"],
        [b"3"],
    ]
    assert keys.read(lambda store: store.leases()) == [1]


def test_leases_that_are_none_or_exist_are_refused() -> None:
    keys = granted()
    put = refusal_of(lambda: keys.run(lambda store: store.put(b"k", b"", 8)))
    revoke = refusal_of(lambda: keys.run(lambda store: store.revoke(8)))
    assert put == revoke == "etcdserver: requested lease not found"
    grant = refusal_of(lambda: keys.run(lambda store: store.grant(LEASE, 1, 0)))
    assert grant == "etcdserver: lease already exists"


def test_very_many_leases_end_in_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LEASES_ENDED_MAX == 1000
    monkeypatch.setattr("apps.etcd.store.LEASES_ENDED_MAX", 2)
    keys = Keys()
    for lease_id in (1, 2, 3):
        keys.run(lambda store, a=lease_id: store.grant(a, 10, 0))  # type: ignore[misc]
    keys.run(lambda store: store.end_leases(10_000))
    assert keys.read(lambda store: store.leases()) == [3]
    keys.run(lambda store: store.end_leases(10_000))
    assert keys.read(lambda store: store.leases()) == []


@pytest.mark.parametrize(
    ("bound", "value", "at_once"),
    [("LEASED_KEYS_ENDED_MAX", 2, 2), ("LEASED_BYTES_ENDED_MAX", 21, 3)],
)
def test_a_lease_with_very_many_keys_ends_in_several_calls(
    monkeypatch: pytest.MonkeyPatch, bound: str, value: int, at_once: int
) -> None:
    assert (LEASED_KEYS_ENDED_MAX, LEASED_BYTES_ENDED_MAX) == (1000, 2 << 20)
    monkeypatch.setattr(f"apps.etcd.store.{bound}", value)
    keys = granted(ttl_s=10)
    for name in (b"a", b"b", b"c", b"d"):
        keys.run(lambda store, a=name: store.put(a, b"123456789", LEASE))  # type: ignore[misc]

    def end(store: Store) -> int:
        store.end_leases(10_000)
        assert store.events == [], "what follows is a revision of its own"
        return len(store.keys_of(LEASE))

    assert keys.run(end) == 4 - at_once
    assert keys.read(lambda store: store.leases()) == [LEASE]
    assert keys.run(lambda store: store.keep_alive(LEASE, 10_000)) == 0
    assert keys.run(end) == 0
    assert keys.read(lambda store: store.leases()) == []
    ended = keys.read(lambda store: store.events_since(6))
    assert [len(each) for each in ended] == [at_once, 4 - at_once]


def test_the_number_of_leases_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LEASES_MAX == 100_000
    monkeypatch.setattr("apps.etcd.store.LEASES_MAX", 2)
    keys = granted()
    keys.run(lambda store: store.grant(8, 10, 0))
    text = refusal_of(lambda: keys.run(lambda store: store.grant(9, 10, 0)))
    assert text == "etcdserver: too many requests"
