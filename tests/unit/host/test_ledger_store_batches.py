"""Entries given at once leave the same files as entries given one by one."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.host.disk import read_file
from ccfpy.host.ledger_store import LedgerStore, LedgerStoreFailed, RecentEntries
from ccfpy.ledger.chunk import POSITION_MAX
from ccfpy.testing.disk import BUFFER_BYTES, MemoryDisk, Operation
from tests.unit.host.reports import Report
from tests.unit.host.test_ledger_store import append, entry

BATCHES = st.lists(
    st.lists(st.sampled_from([".", ".", ".", "s", "s|", "^."]), max_size=6), max_size=6
)


def _files(batches: list[list[str]], *, recent_bytes_max: int) -> tuple[object, ...]:
    """Return the files and entries that these batches come to."""
    disk, directory = MemoryDisk(), Path("ledger")
    store = LedgerStore(
        directory, report=Report(), disk=disk, recent_bytes_max=recent_bytes_max
    )
    store.create()
    for batch in batches:
        first = store.last_seqno + 1
        append(store, first, [entry(first + i, word) for i, word in enumerate(batch)])
    entries = store.read(1, store.last_seqno)
    store.close()
    files = {name: read_file(disk, directory / name) for name in disk.names(directory)}
    return files, entries


@settings(deadline=None)
@given(BATCHES, st.sampled_from([0, 100, 1 << 20]))
def test_a_batch_is_its_entries(batches: list[list[str]], recent: int) -> None:
    single = [[word] for batch in batches for word in batch]
    assert _files(batches, recent_bytes_max=recent) == _files(
        single, recent_bytes_max=recent
    )


def test_ordinary_entries_are_one_write_after_the_chunk_began() -> None:
    operations: list[Operation] = []
    disk = MemoryDisk(fault=lambda operation, _: operations.append(operation))
    with contextlib.closing(
        LedgerStore(Path("ledger"), report=Report(), disk=disk)
    ) as store:
        store.create()
        append(store, 1, [entry(1)])
        store.flush()
        operations.clear()
        append(store, 2, [entry(n, size=BUFFER_BYTES) for n in range(2, 12)])
        assert operations == [Operation.WRITE]
        assert store.last_seqno == 11


def test_a_batch_that_fills_the_chunk_is_refused_at_the_entry_that_does() -> None:
    disk = MemoryDisk()
    with contextlib.closing(
        LedgerStore(Path("ledger"), report=Report(), disk=disk)
    ) as store:
        store.create()
        append(store, 1, [entry(1)])
        size = len(entry(1).data)
        assert store._writer is not None
        store._writer.chunk.end = POSITION_MAX - 2 * size  # as if it had gigabytes
        with pytest.raises(LedgerStoreFailed, match="ledger_1 is full"):
            append(store, 2, [entry(2), entry(3), entry(4)])
        assert store.last_seqno == 3


STEPS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.lists(st.binary(min_size=1, max_size=12), max_size=3),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 60), st.integers(0, 9), st.data())
def test_a_window_gives_what_a_list_would_or_nothing(
    steps: list[bytes | list[bytes] | int],
    bytes_max: int,
    after: int,
    data: st.DataObject,
) -> None:
    window = RecentEntries(bytes_max=bytes_max)
    window.begin(after)
    model: dict[int, bytes] = {}
    last = after
    for step in steps:
        if isinstance(step, bytes):
            last += 1
            model[last] = step
            window.append(step)
        elif isinstance(step, list):
            model |= dict(enumerate(step, last + 1))
            last += len(step)
            window.extend(step)
        else:
            last = max(0, min(last, step))
            window.truncate(last)
            model = {seqno: entry for seqno, entry in model.items() if seqno <= last}
    kept: list[bytes] = []
    for seqno in range(last, 0, -1):
        found = window.read(seqno, seqno, 0)
        if found is None:
            break
        assert found == [model[seqno]]
        kept.append(found[0])
    assert sum(map(len, kept)) <= bytes_max
    first = data.draw(st.integers(0, last + 1))
    wanted = data.draw(st.integers(0, last + 2))
    found = window.read(first, wanted, 10)
    if found is not None:
        assert found
        assert len(found) == 1 or sum(map(len, found)) <= 10
        assert found == [model[first + i] for i in range(len(found))]


@pytest.mark.parametrize(("size", "is_kept"), [(10, True), (11, False)])
def test_the_bound_is_exact(size: int, *, is_kept: bool) -> None:
    window = RecentEntries(bytes_max=10)
    window.append(bytes(size))
    assert (window.read(1, 1, 0) is not None) is is_kept
