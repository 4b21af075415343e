"""The reads of a transaction, and its dependencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.kv.changes import Conflict, ReadOnlyTransaction
from ccfpy.kv.names import ReservedName
from ccfpy.kv.store import Store

M = "public:m"
NAMES = st.sampled_from([b"a", b"aa", b"b", b"c", b"d"])


@pytest.fixture
def store() -> Store:
    """A store whose map holds a=1 and b=2, both written at seqno 1."""
    store = Store()
    write(store, a=b"1", b=b"2")
    return store


def write(store: Store, **values: bytes | None) -> None:
    handle = (tx := store.begin()).raw(M)
    for key, value in values.items():
        if value is None:
            handle.remove(key.encode())
        else:
            handle.put(key.encode(), value)
    store.commit(tx)


def test_the_state_is_fixed_by_the_first_handle(store: Store) -> None:
    tx = store.begin()
    write(store, a=b"before")
    handle = tx.raw(M)
    assert tx.read_version == 2
    write(store, a=b"after")
    assert handle.get(b"a") == b"before"
    assert tx.raw("public:other").get(b"a") is None
    assert tx.raw(M) is handle


def test_without_a_handle_there_is_no_read_version(store: Store) -> None:
    assert store.begin().read_version is None
    assert store.begin(at=1).read_version == 1


def test_own_writes_are_seen(store: Store) -> None:
    handle = store.begin().raw(M)
    handle.put(b"a", b"mine")
    handle.remove(b"b")
    handle.put(b"c", b"new")
    assert handle.get(b"a") == b"mine"
    assert handle.get(b"b") is None
    assert not handle.has(b"b")
    assert handle.has(b"c")
    assert handle.size() == 2
    assert dict(handle.items()) == {b"a": b"mine", b"c": b"new"}


def test_an_empty_value_is_a_value(store: Store) -> None:
    handle = store.begin().raw(M)
    handle.put(b"a", b"")
    assert handle.has(b"a")
    assert handle.get(b"a") == b""


def test_own_writes_have_no_version_yet(store: Store) -> None:
    handle = store.begin().raw(M)
    handle.put(b"a", b"mine")
    handle.put(b"c", b"new")
    assert handle.version_of_previous_write(b"a") == 1
    assert handle.version_of_previous_write(b"c") is None
    handle.remove(b"b")
    assert handle.version_of_previous_write(b"b") == 1


def test_a_removed_key_has_no_previous_version(store: Store) -> None:
    write(store, a=None)
    assert store.begin().raw(M).version_of_previous_write(b"a") is None


def test_the_committed_value_ignores_what_may_be_rolled_back(store: Store) -> None:
    store.compact(1)
    write(store, a=b"uncommitted")
    handle = store.begin().raw(M)
    handle.put(b"a", b"mine")
    assert handle.get_globally_committed(b"a") == b"1"
    assert handle.get_globally_committed(b"c") is None
    assert handle.reads == {}


def test_the_committed_value_stays_that_of_the_first_handle(store: Store) -> None:
    handle = store.begin().raw(M)
    store.compact(1)
    with pytest.raises(Conflict, match="compacted"):
        handle.get_globally_committed(b"a")


def test_iteration_does_not_follow_its_own_writes(store: Store) -> None:
    handle = store.begin().raw(M)
    seen: dict[bytes, bytes] = {}

    def visit(key: bytes, value: bytes) -> bool:
        seen[key] = value
        handle.put(key + b"'", b"added")
        handle.remove(b"b")
        handle.put(b"a", b"changed")
        return True

    handle.foreach(visit)
    assert seen == {b"a": b"1", b"b": b"2"}
    assert dict(handle.items()) == {
        b"a": b"changed",
        b"a'": b"added",
        b"b'": b"added",
    }


def test_what_is_listed_is_fixed_by_the_call_not_by_the_first_step(
    store: Store,
) -> None:
    handle = store.begin().raw(M)
    listing = handle.items()
    handle.put(b"c", b"3")
    write(store, d=b"4")
    assert dict(listing) == {b"a": b"1", b"b": b"2"}


def test_foreach_stops_when_told(store: Store) -> None:
    visited: list[bytes] = []

    def visit(key: bytes, _value: bytes) -> bool:
        visited.append(key)
        return False

    store.begin().raw(M).foreach(visit)
    assert len(visited) == 1


def test_a_range_is_in_key_order_and_excludes_its_end(store: Store) -> None:
    handle = store.begin().raw(M)
    handle.put(b"aa", b"between")
    handle.put(b"z", b"outside")
    handle.remove(b"b")
    assert handle.range(b"a", b"z") == [(b"a", b"1"), (b"aa", b"between")]
    assert [key for key, _ in handle.range()] == [b"a", b"aa", b"z"]
    assert [key for key, _ in handle.range(b"aa")] == [b"aa", b"z"]
    assert [key for key, _ in handle.range(None, b"aa")] == [b"a"]


def test_a_range_without_own_writes_reads_the_state(store: Store) -> None:
    handle = store.begin().raw(M)
    write(store, aa=b"later")
    assert handle.range(b"a", b"b") == [(b"a", b"1")]


@given(
    st.dictionaries(NAMES, st.booleans()),
    st.dictionaries(NAMES, st.booleans()),
    *(st.none() | NAMES, st.none() | NAMES, st.integers(0, 4)),
)
def test_the_first_entries_are_those_of_the_range(
    before: dict[bytes, bool],
    own: dict[bytes, bool],
    start: bytes | None,
    stop: bytes | None,
    count: int,
) -> None:
    store = Store(0)
    write(store, **{name.decode(): b"v" for name in before})
    earlier = store.begin()
    earlier.raw(M)
    tx = store.begin()
    for name in (name for name, stays in before.items() if not stays):
        tx.raw(M).remove(name)
    store.commit(tx)
    for reading in (earlier, store.begin()):
        handle = reading.raw(M)
        for name, is_there in own.items():
            if is_there:
                handle.put(name, b"own")
            else:
                handle.remove(name)
        assert handle.first(start, stop, count) == handle.range(start, stop)[:count]


@pytest.mark.parametrize(("start", "stop"), [(b"b", b"a"), (b"a", b"a")])
def test_an_empty_range_depends_on_nothing(
    store: Store, start: bytes, stop: bytes
) -> None:
    handle = store.begin().raw(M)
    assert handle.range(start, stop) == []
    assert handle.first(start, stop, 1) == []
    assert not handle.reads_whole_map


def test_clear_removes_what_is_there_and_what_was_just_put(store: Store) -> None:
    tx = store.begin()
    handle = tx.raw(M)
    handle.put(b"c", b"3")
    handle.clear()
    assert handle.size() == 0
    assert tx.writes == {M: {b"a": None, b"b": None, b"c": None}}


def test_a_read_only_transaction_refuses_to_write(store: Store) -> None:
    handle = store.begin(read_only=True).raw(M)
    with pytest.raises(ReadOnlyTransaction):
        handle.put(b"a", b"x")
    with pytest.raises(ReadOnlyTransaction):
        handle.remove(b"a")
    with pytest.raises(ReadOnlyTransaction):
        handle.clear()
    assert handle.get(b"a") == b"1"


def test_nothing_is_written_after_the_end(store: Store) -> None:
    tx = store.begin()
    handle = tx.raw(M)
    handle.put(b"a", b"x")
    committed = store.commit(tx)
    with pytest.raises(ReadOnlyTransaction):
        handle.put(b"a", b"y")
    with pytest.raises(ReadOnlyTransaction):
        tx.raw("late").put(b"a", b"y")
    assert committed is not None
    assert committed.write_set == {M: {b"a": b"x"}}


def test_writes_are_listed_by_map_name(store: Store) -> None:
    tx = store.begin()
    tx.raw("z").put(b"k", b"v")
    tx.raw("a").remove(b"k")
    tx.raw("only.read").get(b"k")
    assert list(tx.writes.items()) == [("a", {b"k": None}), ("z", {b"k": b"v"})]


def test_reserved_names_are_refused_unless_the_ledger_has_them(store: Store) -> None:
    with pytest.raises(ReservedName):
        store.begin().raw("public:ccf.secret")
    store.apply(2, {"public:ccf.secret": {b"k": b"v"}})
    assert store.begin().raw("public:ccf.secret").get(b"k") == b"v"


def test_a_state_that_was_rolled_back_is_never_read(store: Store) -> None:
    write(store, a=b"2")
    tx = store.begin()
    handle = tx.raw(M)
    store.rollback(1)
    write(store, a=b"other")
    with pytest.raises(Conflict):
        handle.get(b"a")
    with pytest.raises(Conflict):
        list(handle.items())
    with pytest.raises(Conflict):
        tx.raw("another")


def test_compaction_takes_away_only_what_the_answer_needs(store: Store) -> None:
    tx = store.begin()
    handle = tx.raw(M)
    write(store, a=b"later")
    store.compact(2)
    assert handle.get(b"b") == b"2"
    with pytest.raises(Conflict, match="compacted"):
        handle.get(b"a")
    with pytest.raises(Conflict):
        handle.get(b"absent")
    with pytest.raises(Conflict, match="gone"):
        tx.raw("another")


@pytest.mark.parametrize("slip", ["text", bytearray(b"x"), memoryview(b"x"), None, 1])
def test_what_no_ledger_can_hold_is_refused_before_it_is_in_the_state(
    slip: object,
) -> None:
    """Later it would be too late: the state would have it and the ledger could not."""
    store = Store()
    tx = store.begin()
    handle = tx.raw("map")
    with pytest.raises(TypeError):
        handle.put(b"key", slip)  # type: ignore[arg-type]  # the slip
    with pytest.raises(TypeError):
        handle.put(slip, b"value")  # type: ignore[arg-type]  # the slip
    with pytest.raises(TypeError):
        handle.remove(slip)  # type: ignore[arg-type]  # the slip
    assert store.commit(tx) is None


def test_what_a_read_only_transaction_read_is_not_noted(store: Store) -> None:
    reading, writing = store.begin(read_only=True), store.begin()
    for tx in (reading, writing):
        assert tx.raw(M).get(b"a") == b"1"
    assert reading.raw(M).reads == {}
    assert writing.raw(M).reads == {b"a": 1}
