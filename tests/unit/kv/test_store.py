"""The moves of a store, one by one; all together they are in test_store_model."""

import pytest

from ccfpy.kv.changes import Conflict
from ccfpy.kv.snapshot import MapSnapshot
from ccfpy.kv.store import Store
from ccfpy.kv.versions import Node
from tests.unit.kv.one_key import M, put, read
from tests.unit.kv.plain_snapshot import snapshot_of


def test_commits_take_seqnos_in_order() -> None:
    store = Store()
    assert put(store, b"a", b"1").version == 1
    assert put(store, b"a", b"2").version == 2
    assert store.version == 2


def test_a_transaction_that_wrote_nothing_takes_no_seqno() -> None:
    store = Store()
    tx = store.begin()
    tx.raw(M).get(b"a")
    put(store, b"a", b"1")
    assert store.commit(tx) is None
    assert store.commit(store.begin()) is None
    assert store.version == 1


def test_a_write_set_lists_changed_maps_by_name() -> None:
    store = Store()
    tx = store.begin()
    for name in ("z", M, "a"):
        tx.raw(name).put(b"k", b"v")
    tx.raw("read").get(b"k")
    committed = store.commit(tx)
    assert committed is not None
    assert list(committed.write_set) == ["a", M, "z"]


def test_a_map_exists_after_its_first_write_only() -> None:
    store = Store()
    tx = store.begin()
    tx.raw(M).get(b"a")
    tx.raw("other").put(b"x", b"x")
    store.commit(tx)
    assert set(store.maps) == {"other"}


def test_a_map_made_by_removing_is_forgotten_by_rollback() -> None:
    store = Store()
    store.apply(1, {M: {b"absent": None}})
    assert M in store.maps
    store.rollback(0)
    assert M not in store.maps


def test_a_past_version_is_read_as_it_was() -> None:
    store = Store()
    for value in (b"1", b"2", b"3"):
        put(store, b"a", value)
    assert store.begin(at=2, read_only=True).raw(M).get(b"a") == b"2"
    assert store.begin(at=0).raw(M).get(b"a") is None
    with pytest.raises(ValueError, match="beyond 3"):
        store.begin(at=4)
    store.compact(2)
    with pytest.raises(Conflict, match="older than 2"):
        store.begin(at=1)
    assert store.begin(at=2).raw(M).get(b"a") == b"2"


def test_a_signature_is_given_the_seqno_it_names() -> None:
    store = Store()
    tx = store.begin()
    tx.raw(M).put(b"a", b"1")
    committed = store.commit(tx, expected=1)
    assert committed is not None
    assert committed.version == 1
    tx = store.begin()
    tx.raw(M).put(b"a", b"2")
    with pytest.raises(Conflict, match="1 was reserved, 2 is next"):
        store.commit(tx, expected=1)
    assert store.version == 1


def test_a_transaction_ends_once() -> None:
    store = Store()
    tx = store.begin()
    store.commit(tx)
    with pytest.raises(AssertionError):
        store.commit(tx)


def test_replay_gives_the_same_state_as_execution() -> None:
    primary, backup = Store(), Store()
    for value in (b"1", b"2"):
        committed = put(primary, b"a", value)
        backup.apply(committed.version, committed.write_set)
    assert backup.begin().raw(M).version_of_previous_write(b"a") == 2
    assert read(backup, b"a") == b"2"


@pytest.mark.parametrize("version", [0, 1, 3])
def test_replay_takes_the_next_seqno_only(version: int) -> None:
    store = Store(version=1)
    with pytest.raises(ValueError, match="after 1"):
        store.apply(version, {})


def test_an_empty_write_set_still_takes_its_seqno() -> None:
    store = Store()
    store.apply(1, {})
    assert store.version == 1


def test_a_map_without_writes_is_passed_over_in_replay() -> None:
    store = Store()
    called: list[int] = []
    store.on_local(M, lambda version, _writes: called.append(version))
    store.apply(1, {M: {}})
    assert not store.maps
    assert not called


def test_a_store_may_begin_anywhere() -> None:
    store = Store(version=41)
    store.apply(42, {M: {b"a": b"1"}})
    assert store.begin().raw(M).version_of_previous_write(b"a") == 42


def test_rollback_restores_values_versions_and_the_set_of_maps() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"a", b"2")
    put(store, b"x", b"x", "later")
    store.apply(4, {M: {b"a": None}})
    store.rollback(1)
    assert store.version == 1
    assert set(store.maps) == {M}
    assert store.maps[M].version == 1
    assert store.begin().raw(M).version_of_previous_write(b"a") == 1
    assert put(store, b"a", b"new").version == 2


def test_rolling_back_to_now_or_the_future_does_nothing() -> None:
    store = Store()
    put(store, b"a", b"1")
    tx = store.begin()
    tx.raw(M).put(b"b", b"2")
    store.rollback(1)
    store.rollback(5)
    assert store.commit(tx) is not None


def test_rolling_back_what_is_committed_is_refused() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"a", b"2")
    store.compact(2)
    with pytest.raises(ValueError, match="below 2"):
        store.rollback(1)
    store.rollback(2)
    assert read(store, b"a") == b"2"


def test_compaction_drops_versions_and_keeps_the_state() -> None:
    store = Store()
    for value in (b"1", b"2", b"3"):
        put(store, b"a", value)
    store.compact(3)
    assert store.maps[M].chains == {b"a": (3, b"3", None)}
    with pytest.raises(ValueError, match="beyond 3"):
        store.compact(4)


def test_a_snapshot_gives_the_state_and_map_versions_of_its_seqno() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"p", b"2", "private")
    put(store, b"a", b"3")
    put(store, b"b", b"4", "public:later")
    assert snapshot_of(store, 2, public=True) == [MapSnapshot(M, 1, [(b"a", 1, b"1")])]
    assert snapshot_of(store, 2, public=False) == [
        MapSnapshot("private", 2, [(b"p", 2, b"2")])
    ]
    assert [m.name for m in snapshot_of(store, 4, public=True)] == ["public:later", M]
    store.compact(3)
    assert snapshot_of(store, 3, public=True) == [MapSnapshot(M, 3, [(b"a", 3, b"3")])]
    with pytest.raises(Conflict, match="older"):
        snapshot_of(store, 2, public=True)
    with pytest.raises(ValueError, match="yet"):
        snapshot_of(store, 5, public=True)


def test_an_emptied_map_is_still_in_a_snapshot() -> None:
    store = Store()
    store.apply(1, {M: {b"a": b"1"}})
    store.apply(2, {M: {b"a": None}})
    store.compact(2)
    assert snapshot_of(store, 2, public=True) == [MapSnapshot(M, 2, [])]


def test_an_installed_snapshot_is_final_and_goes_on() -> None:
    store = Store()
    tx = store.begin()
    tx.raw("x").put(b"x", b"x")
    store.install(9, [MapSnapshot(M, 7, [(b"a", 2, b"1"), (b"b", 7, b"2")])])
    handle = store.begin().raw(M)
    assert handle.version_of_previous_write(b"a") == 2
    assert handle.get_globally_committed(b"b") == b"2"
    with pytest.raises(Conflict):
        store.commit(tx)
    with pytest.raises(ValueError, match="below 9"):
        store.rollback(8)
    assert put(store, b"a", b"next").version == 10
    store.rollback(9)
    assert read(store, b"a") == b"1"
    store.compact(9)
    assert snapshot_of(store, 9, public=True)[0].version == 7


def test_a_snapshot_is_not_installed_over_later_or_unsettled_state() -> None:
    store = Store()
    put(store, b"a", b"1")
    put(store, b"a", b"2")
    for seqno in (1, 2, 9):
        with pytest.raises(ValueError, match="cannot install"):
            store.install(seqno, [])
    store.compact(2)
    store.install(2, [])
    assert read(store, b"a") == b"2"


def test_private_maps_restored_apart_are_swapped_in() -> None:
    store, source = Store(), Store()
    write_set = {M: {b"a": b"1"}, "secret": {b"k": b"v"}}
    source.apply(1, write_set)
    source.compact(1)
    store.apply(1, {M: write_set[M]})
    store.apply(2, {"secret": {b"old": b""}, "own": {b"o": b""}})
    tx = store.begin()
    tx.raw(M).put(b"x", b"x")
    store.swap_private_maps(source)
    with pytest.raises(Conflict):
        store.commit(tx)
    assert read(store, b"k", "secret") == b"v"
    assert read(store, b"old", "secret") is None
    assert read(store, b"o", "own") == b""
    assert set(source.maps) == {M}
    store.rollback(1)
    assert read(store, b"k", "secret") == b"v"
    assert put(store, b"k", b"w", "secret").version == 2


def test_private_maps_not_final_to_the_end_are_taken_back_with_public_ones() -> None:
    store, source = Store(), Store()
    for version, text in enumerate([b"1", b"2", b"3"], 1):
        store.apply(version, {M: {b"a": text}})
        source.apply(version, {"secret": {b"k": text}})
    source.apply(4, {"late": {b"k": b"4"}})
    store.apply(4, {})
    for each in (store, source):
        each.compact(1)
    store.swap_private_maps(source)
    assert read(store, b"k", "secret") == b"3"
    assert read(store, b"k", "late") == b"4"
    store.rollback(2)
    assert (read(store, b"a"), read(store, b"k", "secret")) == (b"2", b"2")
    assert "late" not in store.maps
    assert put(store, b"k", b"again", "secret").version == 3
    store.compact(3)
    assert read(store, b"k", "secret") == b"again"


def test_private_maps_are_final_to_the_end_or_to_where_the_store_is() -> None:
    store, source = Store(), Store()
    source.apply(1, {"secret": {b"k": b"v"}})
    with pytest.raises(ValueError, match="beyond 0"):
        store.swap_private_maps(source)
    store.apply(1, {})
    store.compact(1)
    with pytest.raises(ValueError, match="final to 0 of 1 only, not to 1"):
        store.swap_private_maps(source)
    source.compact(1)
    store.swap_private_maps(source)
    assert read(store, b"k", "secret") == b"v"


def test_what_is_pinned_stays_readable() -> None:
    store = Store()
    put(store, b"key", b"1")
    store.compact(1)
    pinned = store.pin()
    tx = store.begin(read_only=True)
    handle = tx.raw(M)
    for value in (b"2", b"3"):
        put(store, b"key", value)
        store.compact(store.version)
    assert handle.get(b"key") == b"1"
    assert tx.raw("public:other").get(b"key") is None
    store.unpin(pinned)
    with pytest.raises(Conflict):
        handle.get(b"key")


def test_what_nobody_pins_any_more_is_forgotten() -> None:
    store = Store()
    put(store, b"key", b"1")
    store.compact(1)
    first = store.pin()
    put(store, b"key", b"2")
    store.compact(2)
    second = store.pin()
    put(store, b"key", b"3")
    store.compact(3)
    chains = store.maps[M].chains
    assert _length(chains[b"key"]) == 3
    store.unpin(first)
    assert _length(chains[b"key"]) == 2
    store.unpin(second)
    assert _length(chains[b"key"]) == 1
    assert store.oldest == store.committed == 3


def test_a_transaction_knows_that_what_it_read_was_rolled_back() -> None:
    store = Store()
    put(store, b"key", b"1")
    tx = store.begin(read_only=True)
    tx.check_whole()
    tx.raw(M)
    tx.check_whole()
    store.rollback(0)
    with pytest.raises(Conflict, match="read at 1"):
        tx.check_whole()


def _length(node: Node | None) -> int:
    return 0 if node is None else 1 + _length(node[2])
