"""When hooks run, in what order and with what."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.kv.changes import Hook, Writes
from ccfpy.kv.snapshot import MapSnapshot
from ccfpy.kv.store import Store


class Recorder:
    """A hook that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, dict[bytes, bytes | None]]] = []

    def __call__(self, version: int, writes: Writes) -> None:
        self.calls.append((version, dict(writes)))


def put(store: Store, name: str, key: bytes, value: bytes | None) -> None:
    handle = (tx := store.begin()).raw(name)
    if value is None:
        handle.remove(key)
    else:
        handle.put(key, value)
    store.commit(tx)


def test_a_local_hook_runs_at_commit_and_at_replay() -> None:
    store = Store()
    hook = Recorder()
    store.on_local("m", hook)
    put(store, "m", b"k", b"1")
    put(store, "other", b"k", b"2")
    store.apply(3, {"m": {b"k": None}})
    assert hook.calls == [(1, {b"k": b"1"}), (3, {b"k": None})]


def test_a_local_hook_sees_removals_of_what_was_not_there() -> None:
    store = Store()
    local, final = Recorder(), Recorder()
    put(store, "m", b"k", b"1")
    store.on_local("m", local)
    store.on_global("m", final)
    put(store, "m", b"absent", None)
    store.compact(2)
    assert local.calls == [(2, {b"absent": None})]
    assert final.calls == [(1, {b"k": b"1"})]


def test_a_global_hook_waits_for_commit_and_runs_once() -> None:
    store = Store()
    hook = Recorder()
    store.on_global("m", hook)
    put(store, "m", b"k", b"1")
    put(store, "m", b"k", b"2")
    put(store, "m", b"k", b"3")
    assert hook.calls == []
    store.compact(2)
    store.compact(2)
    store.compact(1)
    assert hook.calls == [(1, {b"k": b"1"}), (2, {b"k": b"2"})]
    store.compact(3)
    assert [version for version, _ in hook.calls] == [1, 2, 3]


def test_global_hooks_run_by_seqno_and_then_by_name() -> None:
    store = Store()
    order: list[tuple[str, int]] = []

    def follow(name: str) -> Hook:
        return lambda version, _writes: order.append((name, version))

    for name in ("b", "a"):
        store.on_global(name, follow(name))
    store.apply(1, {"b": {b"k": b"1"}})
    store.apply(2, {"b": {b"k": b"2"}, "a": {b"k": b"2"}})
    store.compact(2)
    assert order == [("b", 1), ("a", 2), ("b", 2)]


def test_a_global_hook_never_hears_of_what_was_rolled_back() -> None:
    store = Store()
    hook = Recorder()
    store.on_global("m", hook)
    put(store, "m", b"k", b"1")
    put(store, "m", b"k", b"lost")
    store.rollback(1)
    put(store, "m", b"k", b"kept")
    store.compact(2)
    assert hook.calls == [(1, {b"k": b"1"}), (2, {b"k": b"kept"})]


def test_several_hooks_of_a_map_run_as_they_were_added() -> None:
    store = Store()
    order: list[str] = []
    store.on_local("m", lambda _version, _writes: order.append("first"))
    store.on_local("m", lambda _version, _writes: order.append("second"))
    put(store, "m", b"k", b"1")
    assert order == ["first", "second"]


def test_a_snapshot_reaches_hooks_whole_and_with_each_maps_version() -> None:
    store = Store()
    local, final = Recorder(), Recorder()
    for name in ("m", "empty", "n"):
        store.on_local(name, local)
        store.on_global(name, final)
    store.install(
        9,
        [
            MapSnapshot("empty", 3, []),
            MapSnapshot("m", 7, [(b"a", 2, b"1"), (b"b", 7, b"2")]),
            MapSnapshot("n", 4, [(b"c", 4, b"3")]),
        ],
    )
    expected = [(4, {b"c": b"3"}), (7, {b"a": b"1", b"b": b"2"})]
    assert local.calls == expected
    assert final.calls == []
    store.compact(9)
    assert final.calls == expected


def refuse(_: int, writes: Writes) -> None:
    """Refuse what begins with an exclamation mark."""
    if any(value is not None and value[:1] == b"!" for value in writes.values()):
        raise Malformed("not with me")


def test_a_guard_keeps_a_whole_write_set_out() -> None:
    store = Store()
    hook = Recorder()
    store.guard("m", refuse)
    store.on_local("m", hook)
    store.on_local("other", hook)
    tx = store.begin()
    tx.raw("other").put(b"k", b"1")
    tx.raw("m").put(b"k", b"!")
    with pytest.raises(Malformed):
        store.commit(tx)
    with pytest.raises(Malformed):
        store.apply(1, {"other": {b"k": b"1"}, "m": {b"k": b"!"}})
    with pytest.raises(Malformed):
        store.install(
            5,
            [
                MapSnapshot("other", 5, [(b"k", 5, b"1")]),
                MapSnapshot("m", 5, [(b"k", 5, b"!")]),
            ],
        )
    assert (store.version, hook.calls, list(store.maps)) == (0, [], [])
    put(store, "m", b"k", b"fine")
    assert hook.calls == [(1, {b"k": b"fine"})]


def test_a_guard_sees_the_state_before() -> None:
    store = Store()
    seen: list[bytes | None] = []
    store.guard("m", lambda *_: seen.append(store.begin().raw("m").get(b"k")))
    put(store, "m", b"k", b"1")
    put(store, "m", b"k", b"2")
    store.apply(3, {"m": {b"k": b"3"}})
    assert seen == [None, b"1", b"2"]
