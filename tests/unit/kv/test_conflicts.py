"""A commit is refused if what the transaction read has changed, and only then."""

import pytest

from ccfpy.kv.changes import Conflict
from ccfpy.kv.store import Store
from tests.unit.kv.one_key import M, put, read


def test_a_changed_read_conflicts_and_leaves_nothing() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    handle = tx.raw(M)
    handle.get(b"a")
    handle.put(b"b", b"mine")
    put(store, b"a", b"2")
    with pytest.raises(Conflict, match="was read at 1 and is now at 2"):
        store.commit(tx)
    assert store.version == 2
    assert read(store, b"b") is None


@pytest.mark.parametrize("key", [b"a", b"absent"])
def test_unchanged_reads_commit_over_other_writes(key: bytes) -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    handle = tx.raw(M)
    handle.get(key)
    handle.put(b"mine", b"x")
    put(store, b"other", b"y")
    committed = store.commit(tx)
    assert committed is not None
    assert committed.version == 3


def test_reading_absence_conflicts_with_creation() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    handle = tx.raw(M)
    assert not handle.has(b"new")
    handle.put(b"x", b"x")
    put(store, b"new", b"1")
    with pytest.raises(Conflict):
        store.commit(tx)


def test_reading_a_key_conflicts_with_its_removal_even_when_compacted() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    handle = tx.raw(M)
    handle.get(b"a")
    handle.put(b"x", b"x")
    store.apply(2, {M: {b"a": None}})
    store.compact(2)
    with pytest.raises(Conflict):
        store.commit(tx)


def test_blind_writes_do_not_conflict() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    tx.raw(M).put(b"a", b"mine")
    put(store, b"a", b"2")
    assert store.commit(tx) is not None
    assert read(store, b"a") == b"mine"


def test_reading_ones_own_write_is_no_dependency() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    handle = tx.raw(M)
    handle.put(b"a", b"mine")
    handle.get(b"a")
    put(store, b"a", b"2")
    assert store.commit(tx) is not None


@pytest.mark.parametrize("operation", ["items", "size", "range", "clear", "keys"])
def test_reading_a_whole_map_conflicts_with_any_change_of_it(operation: str) -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    getattr(tx.raw(M), operation)()
    tx.raw("other").put(b"x", b"x")
    put(store, b"b", b"2")
    if operation == "clear":
        assert tx.writes[M] == {b"a": None}
    with pytest.raises(Conflict, match="changed at 2, after 1"):
        store.commit(tx)


def test_reading_a_whole_map_ignores_changes_elsewhere() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"a", b"1", "other")
    tx = store.begin()
    tx.raw(M).size()
    tx.raw(M).put(b"x", b"x")
    put(store, b"a", b"2", "other")
    store.apply(4, {M: {b"absent": None}})
    assert store.commit(tx) is not None


def test_two_transactions_that_create_a_map_conflict() -> None:
    store = Store()
    first, second = store.begin(), store.begin()
    first.raw(M).put(b"a", b"1")
    second.raw(M).put(b"b", b"2")
    store.commit(first)
    with pytest.raises(Conflict, match="created since 0"):
        store.commit(second)
    assert read(store, b"b") is None


def test_using_a_map_before_it_exists_conflicts_with_its_creation() -> None:
    store = Store()
    tx = store.begin()
    tx.raw(M)
    tx.raw("other").put(b"x", b"x")
    put(store, b"a", b"1")
    with pytest.raises(Conflict, match="created"):
        store.commit(tx)


def test_writing_on_a_past_before_the_map_existed_conflicts() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin(at=0)
    tx.raw(M).put(b"b", b"2")
    with pytest.raises(Conflict, match="created"):
        store.commit(tx)


def test_transactions_from_before_a_rollback_cannot_commit() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"a", b"2")
    tx = store.begin()
    tx.raw("blind").put(b"b", b"2")
    store.rollback(1)
    put(store, b"a", b"3")
    assert store.version == tx.read_version
    with pytest.raises(Conflict, match="rolled back"):
        store.commit(tx)
