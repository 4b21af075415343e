"""The store against a naive twin that keeps a copy of everything for each version."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
)

from ccfpy.kv.changes import Conflict, Hook
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from tests.unit.kv.plain_snapshot import snapshot_of

NAMES = st.sampled_from(["public:a", "b", "c"])
KEYS = st.sampled_from([b"", b"j", b"k"])
VALUES = st.none() | st.binary(max_size=1)

State = dict[str, dict[bytes, tuple[int, bytes]]]


@dataclass
class Past:
    """The twin's state after one seqno."""

    state: State = field(default_factory=dict)
    map_versions: dict[str, int] = field(default_factory=dict)
    hooks: list[tuple[int, str, dict[bytes, bytes | None]]] = field(
        default_factory=list
    )
    """What global hooks will have been told once this is final."""

    def after(
        self, version: int, write_set: dict[str, dict[bytes, bytes | None]]
    ) -> "Past":
        state = {name: dict(entries) for name, entries in self.state.items()}
        map_versions = dict(self.map_versions)
        hooks = list(self.hooks)
        for name, writes in sorted(write_set.items()):
            entries = state.setdefault(name, {})
            changed = any(
                value is not None or key in entries for key, value in writes.items()
            )
            for key, value in writes.items():
                if value is None:
                    entries.pop(key, None)
                else:
                    entries[key] = (version, value)
            if changed:
                map_versions[name] = version
            map_versions.setdefault(name, 0)
            if changed:
                hooks.append((version, name, writes))
        return Past(state, map_versions, hooks)


class TwinTx:
    """A transaction over a copy, which knows what it read."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.past: Past | None = None
        self.writes: dict[str, dict[bytes, bytes | None]] = {}
        self.reads: dict[tuple[str, bytes], int] = {}
        self.whole: set[str] = set()
        self.used: set[str] = set()
        self.is_dead = False
        """Its state was compacted or rolled back: any access may conflict."""
        self.is_rolled_back = False

    def seen(self, name: str) -> dict[bytes, bytes]:
        assert self.past is not None
        entries = {k: v for k, (_, v) in self.past.state.get(name, {}).items()}
        for key, value in self.writes.get(name, {}).items():
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value
        return entries


class StoreMachine(RuleBasedStateMachine):
    """Random interleavings of transactions with replay, rollback and compaction."""

    transactions = Bundle("transactions")

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.history = [Past()]
        self.committed = 0
        self.told: list[tuple[int, str, dict[bytes, bytes | None]]] = []
        self.open: list[TwinTx] = []
        for name in ("public:a", "b", "c"):
            self.store.on_global(name, self.listener(name))

    def listener(self, name: str) -> Hook:
        return lambda version, writes: self.told.append((version, name, dict(writes)))

    @rule(target=transactions)
    def begin(self) -> TwinTx:
        twin = TwinTx(self.store.begin())
        self.open.append(twin)
        return twin

    def touch(self, twin: TwinTx, name: str) -> bool:
        """Take a handle; tell whether the transaction may go on."""
        if twin.past is None:
            twin.past = self.history[-1]
        elif twin.is_dead:
            return False
        twin.tx.raw(name)
        twin.used.add(name)
        return True

    @rule(twin=transactions, name=NAMES, key=KEYS)
    def get(self, twin: TwinTx, name: str, key: bytes) -> None:
        if self.touch(twin, name):
            handle = twin.tx.raw(name)
            assert handle.get(key) == twin.seen(name).get(key)
            assert handle.has(key) is (key in twin.seen(name))
            if key not in twin.writes.get(name, {}):
                self.depend(twin, name, key)

    @rule(twin=transactions, name=NAMES, key=KEYS)
    def previous_write(self, twin: TwinTx, name: str, key: bytes) -> None:
        if self.touch(twin, name):
            assert twin.past is not None
            entry = twin.past.state.get(name, {}).get(key)
            version = twin.tx.raw(name).version_of_previous_write(key)
            assert version == (None if entry is None else entry[0])
            self.depend(twin, name, key)

    def depend(self, twin: TwinTx, name: str, key: bytes) -> None:
        assert twin.past is not None
        entry = twin.past.state.get(name, {}).get(key)
        twin.reads[name, key] = 0 if entry is None else entry[0]

    @rule(twin=transactions, name=NAMES, start=st.none() | KEYS, stop=st.none() | KEYS)
    def read_range(
        self, twin: TwinTx, name: str, start: bytes | None, stop: bytes | None
    ) -> None:
        if self.touch(twin, name):
            expected = sorted(
                (key, value)
                for key, value in twin.seen(name).items()
                if (start is None or key >= start) and (stop is None or key < stop)
            )
            assert twin.tx.raw(name).range(start, stop) == expected
            if start is None or stop is None or start < stop:
                twin.whole.add(name)

    @rule(twin=transactions, name=NAMES)
    def list_all(self, twin: TwinTx, name: str) -> None:
        if self.touch(twin, name):
            handle = twin.tx.raw(name)
            assert dict(handle.items()) == twin.seen(name)
            assert handle.size() == len(twin.seen(name))
            twin.whole.add(name)

    @rule(twin=transactions, name=NAMES, key=KEYS, value=VALUES)
    def write(self, twin: TwinTx, name: str, key: bytes, value: bytes | None) -> None:
        if self.touch(twin, name):
            if value is None:
                twin.tx.raw(name).remove(key)
            else:
                twin.tx.raw(name).put(key, value)
            twin.writes.setdefault(name, {})[key] = value

    @rule(twin=consumes(transactions))
    def commit(self, twin: TwinTx) -> None:
        self.open.remove(twin)
        if not twin.writes:
            assert self.store.commit(twin.tx) is None
            return
        if self.conflicts(twin):
            with pytest.raises(Conflict):
                self.store.commit(twin.tx)
            return
        committed = self.store.commit(twin.tx)
        assert committed is not None
        assert committed.version == len(self.history)
        assert committed.write_set == twin.writes
        assert list(committed.write_set) == sorted(twin.writes)
        self.history.append(self.history[-1].after(committed.version, twin.writes))

    def conflicts(self, twin: TwinTx) -> bool:
        assert twin.past is not None
        now = self.history[-1]
        return (
            twin.is_rolled_back
            or any(
                name in now.state and name not in twin.past.state for name in twin.used
            )
            or any(
                now.map_versions.get(name) != twin.past.map_versions.get(name)
                for name in twin.whole
            )
            or any(
                now.state.get(name, {}).get(key, (0, b""))[0] != version
                for (name, key), version in twin.reads.items()
            )
        )

    @rule(write_set=st.dictionaries(NAMES, st.dictionaries(KEYS, VALUES, min_size=1)))
    def apply(self, write_set: dict[str, dict[bytes, bytes | None]]) -> None:
        version = len(self.history)
        self.store.apply(version, write_set)
        self.history.append(self.history[-1].after(version, write_set))

    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        seqno = data.draw(st.integers(self.committed, len(self.history)))
        self.store.rollback(seqno)
        if seqno < len(self.history) - 1:
            del self.history[seqno + 1 :]
            for twin in self.open:
                if twin.past is not None:
                    twin.is_dead = True
                    twin.is_rolled_back = True

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        self.committed = data.draw(st.integers(self.committed, len(self.history) - 1))
        self.store.compact(self.committed)
        assert self.told == self.history[self.committed].hooks
        for twin in self.open:
            if twin.past is not None:
                assert twin.tx.read_version is not None
                twin.is_dead |= twin.tx.read_version < self.committed

    @invariant()
    def every_version_that_may_be_read_is_right(self) -> None:
        assert self.store.version == len(self.history) - 1
        assert self.store.committed == self.committed
        assert set(self.store.maps) == set(self.history[-1].state)
        for seqno in range(self.committed, len(self.history)):
            past = self.history[seqno]
            snapshots = [
                *snapshot_of(self.store, seqno, public=True),
                *snapshot_of(self.store, seqno, public=False),
            ]
            found = {
                snapshot.name: {key: (at, v) for key, at, v in snapshot.entries}
                for snapshot in snapshots
            }
            assert found == past.state
            assert {s.name: s.version for s in snapshots} == past.map_versions

    @invariant()
    def the_committed_state_is_seen_by_all(self) -> None:
        for name, entries in self.history[self.committed].state.items():
            handle = self.store.begin().raw(name)
            for key in (b"", b"j", b"k"):
                expected = entries.get(key)
                value = handle.get_globally_committed(key)
                assert value == (None if expected is None else expected[1])


StoreMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None
)
test_the_store_behaves_like_copies = pytest.mark.slow(StoreMachine.TestCase)
