"""A frozen state is written as the store would have written it at once."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.kv.changes import Conflict, WriteSet
from ccfpy.kv.snapshot import parse_maps, serialise_frozen
from ccfpy.kv.store import Store
from tests.unit.kv.plain_snapshot import serialise_maps, snapshot_of

KEYS = st.binary(max_size=20)
VALUES = st.none() | st.binary(max_size=20)
NAMES = st.sampled_from(["a", "b", "public:c"])
WRITE_SETS = st.lists(
    st.dictionaries(NAMES, st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)),
    min_size=1,
    max_size=6,
)


def store_of(write_sets: list[WriteSet]) -> Store:
    store = Store()
    for version, write_set in enumerate(write_sets, 1):
        store.apply(version, write_set)
    return store


def written(store: Store, seqno: int, *, public: bool) -> Callable[[], bytes]:
    frozen = store.freeze(seqno, public=public)

    def write() -> bytes:
        pieces: list[bytes] = []
        for work in serialise_frozen(frozen, seqno, pieces):
            assert work > 0
        return b"".join(pieces)

    return write


@pytest.mark.slow
@given(WRITE_SETS, st.data())
def test_it_is_the_snapshot_of_its_seqno_whatever_comes_after(
    write_sets: list[WriteSet], data: st.DataObject
) -> None:
    store = store_of(write_sets)
    seqno = data.draw(st.integers(0, len(write_sets)))
    public = data.draw(st.booleans())
    expected = serialise_maps(snapshot_of(store, seqno, public=public))
    write = written(store, seqno, public=public)
    after = data.draw(st.sampled_from(["compact", "rollback", "apply"]))
    if after == "compact":
        store.compact(store.version)
    elif after == "rollback":
        store.rollback(0)
    else:
        store.apply(store.version + 1, {"a": {b"": b"new", b"other": b"new"}})
        store.compact(store.version)
    assert write() == expected


def test_state_snapshot_state() -> None:
    store = store_of([{"a": {str(at).encode(): b"v" * at for at in range(2000)}}])
    read = parse_maps(written(store, 1, public=False)())
    restored = Store()
    restored.install(1, read)
    assert written(restored, 1, public=False)() == serialise_maps(read)
    assert sorted(read[0].entries) == sorted(
        snapshot_of(store, 1, public=False)[0].entries
    )


def test_no_step_orders_many_keys_or_writes_many_bytes() -> None:
    store = store_of([{"a": {str(at).encode(): b"v" * 10_000 for at in range(1000)}}])
    pieces: list[bytes] = []
    steps = list(serialise_frozen(store.freeze(1, public=False), 1, pieces))
    assert max(steps) <= max(256, (1 << 20) // limits.SNAPSHOT_BYTES_PER_KEY + 10)
    assert max(map(len, pieces)) < (1 << 20) + 20_000
    assert len(steps) > 1000 / 256


def test_long_keys_end_a_step_of_their_own() -> None:
    store = store_of([{"a": {bytes([at]) * 5000: b"v" for at in range(10)}}])
    pieces: list[bytes] = []
    steps = list(serialise_frozen(store.freeze(1, public=False), 1, pieces))
    assert len(steps) > 10
    assert b"".join(pieces) == serialise_maps(snapshot_of(store, 1, public=False))


def test_only_a_state_that_can_be_read_is_frozen() -> None:
    store = store_of([{"a": {b"": b""}}, {"a": {b"": b"x"}}])
    with pytest.raises(ValueError, match="no state at 3"):
        store.freeze(3, public=False)
    store.compact(2)
    with pytest.raises(Conflict):
        store.freeze(1, public=False)
