"""Writes to one map that exists are appended as any write set is."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store

NAME = "public:map"
KEYS = st.sampled_from([b"a", b"b", b"c"])
WRITES = st.dictionaries(KEYS, st.none() | st.sampled_from([b"", b"1"]), min_size=1)


class Appended:
    """A store whose one map is written in one of two ways, and what its hooks hear."""

    def __init__(self, *, is_hooked: bool) -> None:
        self.store = Store()
        self.heard: list[tuple[Seqno, dict[bytes, bytes | None]]] = []
        if is_hooked:
            self.store.on_local(NAME, self._hear)
            self.store.on_global(NAME, self._hear)
        self.store.apply(1, {NAME: {b"a": b"0"}})

    def _hear(self, version: Seqno, writes: Writes) -> None:
        self.heard.append((version, dict(writes)))

    def append(self, writes: Writes, *, alone: bool) -> object:
        store = self.store
        written = store.maps[NAME]
        if alone:
            return store._append_one(store.version + 1, written, writes)
        return store._append(store.version + 1, [(written, writes)])

    def state(self) -> object:
        written = self.store.maps[NAME]
        return (
            self.store.version,
            written.version,
            written.chains,
            [
                (change.version, change.keys, change.previous_version)
                for change in self.store._log
            ],
            self.heard,
        )


@given(st.lists(WRITES | st.integers(0, 3), max_size=12), st.booleans())
def test_the_writes_of_one_map_are_appended_as_any_are(
    moves: list[dict[bytes, bytes | None] | int], is_hooked: bool
) -> None:
    one, any_ = (Appended(is_hooked=is_hooked) for _ in range(2))
    for move in moves:
        if isinstance(move, int):  # take back so many, or make all final
            for each in (one, any_):
                store = each.store
                if move:
                    store.rollback(max(store.version - move, store.committed, 1))
                else:
                    store.compact(store.version)
        else:
            appended = one.append(move, alone=True), any_.append(move, alone=False)
            assert appended[0] == appended[1]
        assert one.state() == any_.state()
