"""Marks: a map that nobody has changed is known again, and rested on as if read."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.kv.changes import Conflict
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Mark, Tx


def write(store: Store, name: str, key: bytes, value: bytes | None = b"v") -> None:
    tx = store.begin()
    handle = tx.raw(name)
    if value is None:
        handle.remove(key)
    else:
        handle.put(key, value)
    store.commit(tx)


def seen(tx: Tx) -> Mark:
    tx.raw("m").get(b"k")
    mark = tx.mark("m")
    assert mark is not None
    return mark


@pytest.fixture
def store() -> Store:
    store = Store()
    write(store, "m", b"k")
    return store


def test_what_nobody_changed_is_known_again(store: Store) -> None:
    mark = seen(store.begin())
    write(store, "other", b"k")
    tx = store.begin()
    assert tx.is_unchanged(mark)
    assert tx.read_version == store.version


@pytest.mark.parametrize("key", [b"k", b"another"])
@pytest.mark.parametrize("value", [b"new", b"v"])
def test_any_write_to_the_map_makes_it_another(
    store: Store, key: bytes, value: bytes
) -> None:
    mark = seen(store.begin())
    write(store, "m", key, value)
    assert not store.begin().is_unchanged(mark)


def test_what_was_taken_back_is_not_known_again(store: Store) -> None:
    version = store.version
    mark = seen(store.begin())
    write(store, "m", b"k", b"new")
    later = seen(store.begin())
    store.rollback(version)
    write(store, "m", b"k", b"other")
    assert not store.begin().is_unchanged(mark)
    assert not store.begin().is_unchanged(later)


def test_a_map_of_another_store_is_another(store: Store) -> None:
    other = Store()
    write(other, "m", b"k")
    assert not other.begin().is_unchanged(seen(store.begin()))


def test_there_is_no_mark_of_what_is_not_there_or_not_seen(store: Store) -> None:
    tx = store.begin()
    assert tx.mark("m") is None  # no state was chosen yet
    tx.raw("m")
    assert tx.mark("absent") is None
    write(store, "other", b"k")
    assert tx.mark("m") is None  # it sees an older state


def test_a_transaction_that_sees_an_older_state_cannot_tell(store: Store) -> None:
    tx = store.begin()
    tx.raw("m").get(b"k")
    write(store, "other", b"k")
    assert not tx.is_unchanged(seen(store.begin()))


@pytest.mark.parametrize("name", ["m", "other"])
def test_a_commit_that_rests_on_what_changed_conflicts(store: Store, name: str) -> None:
    tx = store.begin()
    assert tx.is_unchanged(seen(store.begin()))
    tx.raw("written").put(b"k", b"v")
    write(store, name, b"another")
    if name == "m":
        with pytest.raises(Conflict, match="changed"):
            store.commit(tx)
    else:
        assert store.commit(tx) is not None


def test_a_state_is_chosen_by_what_is_rested_on(store: Store) -> None:
    tx = store.begin()
    assert tx.is_unchanged(seen(store.begin()))
    write(store, "other", b"k")
    assert tx.raw("other").get(b"k") is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "remove", "other", "rollback", "compact"]),
            st.integers(0, 2),
        ),
        max_size=12,
    )
)
def test_whatever_is_unchanged_holds_what_it_held(
    moves: list[tuple[Literal["put", "remove", "other", "rollback", "compact"], int]],
) -> None:
    store = Store()
    write(store, "m", b"k")
    marked: list[tuple[Mark, list[tuple[bytes, bytes]]]] = []
    for kind, number in moves:
        tx = store.begin()
        mark = seen(tx)
        marked.append((mark, tx.raw("m").range()))
        match kind:
            case "put":
                write(store, "m", b"%d" % number, b"%d" % len(marked))
            case "remove":
                write(store, "m", b"%d" % number, None)
            case "other":
                write(store, "other", b"k")
            case "rollback":
                store.rollback(max(store.version - number, store.committed, 1))
            case "compact":
                store.compact(max(store.version - number, store.committed))
        for known, held in marked:
            tx = store.begin()
            if tx.is_unchanged(known):
                assert tx.raw("m").range() == held
