"""The ledger directory: what is written, and what any crash leaves behind."""

import contextlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.effects import AppendLedger
from ccfpy.host.ledger_store import LedgerStore, LedgerStoreFailed
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.frame import EntryFlags
from tests.unit.host.reports import Report
from tests.unit.ledger.frames import write_frame


def entry_bytes(seqno: int, size: int = 20) -> bytes:
    """Return an entry's bytes: frame, tag, IV of this seqno, sizes, filler."""
    body = bytes(16) + struct.pack("<QIQ", seqno, 2, 0) + bytes([seqno % 256]) * size
    return write_frame(EntryFlags.NONE, len(body)) + body


class Planned(NamedTuple):
    """An entry, and what is said of it: signature, begin or end of a chunk."""

    data: bytes
    is_signature: bool
    begins_chunk: bool
    ends_chunk: bool


def entry(seqno: int, ends: str = "", *, size: int = 20) -> Planned:
    """Return an entry; ``ends`` has s for signature, | for the end of its chunk."""
    return Planned(
        data=entry_bytes(seqno, size),
        is_signature="s" in ends,
        begins_chunk="^" in ends,
        ends_chunk="|" in ends,
    )


def entries(first: int, plan: str) -> list[Planned]:
    """Return entries by a plan such as ``. . s | . s``, one word an entry."""
    return [entry(first + i, word) for i, word in enumerate(plan.split())]


def append(store: LedgerStore, first: int, planned: Sequence[Planned]) -> None:
    """Append entries as a node does: those of each chunk at once."""
    run: list[Planned] = []
    for at, each in enumerate(planned):
        run.append(each)
        following = planned[at + 1 : at + 2]
        if each.ends_chunk or not following or following[0].begins_chunk:
            seqno = first + at + 1 - len(run)
            store.append(_effect(seqno, run))
            run = []


def _effect(first: int, run: Sequence[Planned]) -> AppendLedger:
    return AppendLedger(
        first_seqno=first,
        entries=tuple(each.data for each in run),
        has_signature=any(each.is_signature for each in run),
        begins_chunk=run[0].begins_chunk,
        ends_chunk=run[-1].ends_chunk,
    )


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def positions(path: Path) -> Chunk:
    return Chunk.parse(ChunkName.parse(path.name), path.read_bytes())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def store(directory: Path) -> Iterator[LedgerStore]:
    """A store that reads everything back from its files."""
    made = LedgerStore(directory, report=Report(), recent_bytes_max=0)
    made.create()
    yield made
    made.close()


def reopen(directory: Path, *read_only: Path) -> tuple[LedgerStore, list[str]]:
    report = Report()
    store = LedgerStore(directory, report=report, read_only_directories=read_only)
    store.open()
    return store, report.lines


def test_entries_land_in_an_open_chunk(store: LedgerStore, directory: Path) -> None:
    append(store, 1, entries(1, ". . s"))
    assert names(directory) == ["ledger_1"]
    chunk = positions(directory / "ledger_1")
    assert [data for _, _, data in chunk.entries()] == [
        entry_bytes(seqno) for seqno in (1, 2, 3)
    ]
    assert not chunk.is_complete
    assert store.last_seqno == 3


def test_a_new_chunk_has_its_header_at_once(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, "."))
    assert (directory / "ledger_1").read_bytes() == bytes(8)


def test_a_signature_is_flushed_with_all_before_it(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". ."))
    assert (directory / "ledger_1").stat().st_size == 8  # the header alone
    append(store, 3, entries(3, "s ."))
    assert len(positions(directory / "ledger_1")) == 4


@pytest.mark.parametrize("sync", [False, True])
def test_a_chunk_is_closed_where_its_last_entry_says(
    directory: Path, *, sync: bool
) -> None:
    store = LedgerStore(directory, report=Report(), sync_committable=sync)
    store.create()
    append(store, 1, entries(1, ". s| . s| ."))
    store.close()
    assert names(directory) == ["ledger_1-2", "ledger_3-4", "ledger_5"]
    assert positions(directory / "ledger_1-2").is_complete


def test_a_chunk_is_closed_before_an_entry_that_asks_for_it(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". s ^. s"))
    store.flush()
    assert names(directory) == ["ledger_1-2", "ledger_3"]
    append(store, 5, entries(5, "^."))
    assert names(directory) == ["ledger_1-2", "ledger_3-4", "ledger_5"]


def test_a_first_entry_may_ask_for_a_new_chunk(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, "^s"))
    assert names(directory) == ["ledger_1"]


def test_a_chunk_is_named_committed_when_commit_reaches_its_end(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". s| . s| . s"))
    store.commit(1)
    assert names(directory) == ["ledger_1-2", "ledger_3-4", "ledger_5"]
    store.commit(4)
    assert names(directory) == [
        "ledger_1-2.committed",
        "ledger_3-4.committed",
        "ledger_5",
    ]
    store.commit(2)
    assert store.committed_seqno == 4


def test_entries_must_follow_each_other(store: LedgerStore) -> None:
    append(store, 1, entries(1, "s"))
    for wrong in (1, 3):
        with pytest.raises(LedgerStoreFailed, match="expected ledger entry 2"):
            append(store, wrong, entries(wrong, "."))


def test_a_commit_beyond_the_last_entry_is_refused(store: LedgerStore) -> None:
    append(store, 1, entries(1, "s"))
    with pytest.raises(LedgerStoreFailed, match="commit of ledger entry 2"):
        store.commit(2)


def test_what_is_committed_is_never_truncated(store: LedgerStore) -> None:
    append(store, 1, entries(1, ". s . ."))
    store.commit(2)
    with pytest.raises(LedgerStoreFailed, match="2 is committed"):
        store.truncate(1)
    store.truncate(2)
    assert store.last_seqno == 2


@pytest.mark.parametrize("keep", range(7))
def test_truncation_leaves_what_was_written_before(
    store: LedgerStore, directory: Path, keep: int
) -> None:
    append(store, 1, entries(1, ". s| . s| . s"))
    store.truncate(keep)
    assert store.last_seqno == keep
    assert store.read(1, 9) == ([entry_bytes(n) for n in range(1, keep + 1)] or None)
    append(store, keep + 1, [entry(keep + 1, "s", size=99)])
    assert store.read(keep + 1, keep + 1) == [entry_bytes(keep + 1, 99)]
    assert names(directory)[-1].startswith("ledger_")
    store.close()
    reopened, lines = reopen(directory)
    assert reopened.last_seqno == keep + 1
    assert len(lines) == 1
    reopened.close()


def test_truncation_after_the_end_changes_nothing(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". s|"))
    store.truncate(2)
    assert names(directory) == ["ledger_1-2"]


@pytest.mark.parametrize("first", range(1, 8))
@pytest.mark.parametrize("count", [1, 2, 7])
def test_entries_are_read_across_chunks(
    store: LedgerStore, first: int, count: int
) -> None:
    append(store, 1, entries(1, ". s| . s| . s| ."))
    store.commit(2)
    last = min(first + count - 1, 7)
    assert store.read(first, last) == [entry_bytes(n) for n in range(first, last + 1)]


def test_a_read_stops_where_the_ledger_ends(store: LedgerStore) -> None:
    assert store.read(1, 1) is None
    append(store, 1, entries(1, ". s"))
    assert store.read(1, 100) == [entry_bytes(1), entry_bytes(2)]
    assert store.read(3, 4) is None
    assert store.read(2, 1) is None


def test_a_read_is_bounded_but_gives_at_least_one_entry(store: LedgerStore) -> None:
    append(store, 1, entries(1, ". . . s| . . . s"))
    size = len(entry_bytes(1))
    assert store.read(1, 8, bytes_max=1) == [entry_bytes(1)]
    assert store.read(1, 8, bytes_max=2 * size) == [entry_bytes(1), entry_bytes(2)]
    assert store.read(5, 8, bytes_max=2 * size) == [entry_bytes(5), entry_bytes(6)]


def test_many_chunks_are_read_with_few_files_open(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, "s| " * 40))
    store.commit(40)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for seqno in range(1, 41):
        assert store.read(seqno, seqno) == [entry_bytes(seqno)]
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 20
    assert len(names(directory)) == 40


def test_a_chunk_that_appears_late_in_a_read_only_directory_is_found(
    store: LedgerStore, directory: Path, tmp_path: Path
) -> None:
    append(store, 1, entries(1, ". s| . s"))
    store.commit(2)
    store.close()
    elsewhere = tmp_path / "mounted"
    elsewhere.mkdir()
    chunk = directory / "ledger_1-2.committed"
    kept = chunk.read_bytes()
    chunk.unlink()
    (directory / "ledger_3").unlink()
    report = Report()
    later = LedgerStore(directory, report=report, read_only_directories=[elsewhere])
    later.prepare()
    later.begin(2)
    assert later.read(1, 2) is None
    (elsewhere / "ledger_1-2").write_bytes(kept)
    assert later.read(1, 2) is None, "only committed chunks count there"
    (elsewhere / "ledger_1-2.committed").write_bytes(kept)
    assert later.read(1, 2) == [entry_bytes(1), entry_bytes(2)]
    later.close()


@pytest.mark.parametrize("at", [0, 3, 8, 20, 70, -5, -1])
def test_a_damaged_committed_chunk_is_not_read(
    store: LedgerStore, directory: Path, at: int
) -> None:
    append(store, 1, entries(1, ". s|"))
    store.commit(2)
    path = directory / "ledger_1-2.committed"
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) + at] if at < 0 else data[:at])
    assert store.read(1, 2) is None


def test_what_is_wrong_with_a_late_file_is_said_until_it_is_right(
    store: LedgerStore, directory: Path, tmp_path: Path
) -> None:
    append(store, 1, entries(1, ". s|"))
    store.commit(2)
    data = (directory / "ledger_1-2.committed").read_bytes()
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    late = mounted / "ledger_1-2.committed"
    report = Report()
    joiner = LedgerStore(
        tmp_path / "joiner", report=report, read_only_directories=[mounted]
    )
    joiner.prepare()
    joiner.begin(2)

    def read() -> str:
        report.lines.clear()
        assert joiner.read(1, 1) is None
        return report.text

    assert read() == ""
    late.write_bytes(b"")
    assert f"Failed to read positions offset from ledger file {late}" in read()
    late.write_bytes(bytes(len(data)))
    assert f"{late} cannot be read: invalid table offset (0)" in read()
    late.write_bytes(struct.pack("<Q", len(data) + 1) + data[8:])
    assert "greater than total file size" in read()
    late.write_bytes(struct.pack("<Q", len(data) - 4) + data[8:])
    assert "Failed to read positions table from ledger file" in read()
    late.write_bytes(data[:-8] + bytes(8))
    assert "Positions in ledger file" in read()
    late.write_bytes(data)
    assert joiner.read(1, 2) == [entry_bytes(1), entry_bytes(2)]
    joiner.close()


def test_a_new_service_refuses_a_directory_that_holds_something(
    directory: Path,
) -> None:
    directory.mkdir()
    LedgerStore(directory, report=Report()).create()
    (directory / "ledger_1").touch()
    with pytest.raises(ConfigurationRefused) as refusal:
        LedgerStore(directory, report=Report()).create()
    assert str(refusal.value) == (
        f"On start, ledger directory should not exist or be empty ({directory})"
    )


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationRefused, match=r"correct ledger.directory"):
        LedgerStore(tmp_path / "file" / "ledger", report=Report()).create()


def test_a_read_only_directory_must_exist(tmp_path: Path, directory: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="read-only ledger is not a dir"):
        reopen(directory, tmp_path / "nowhere")


def test_a_ledger_is_taken_up_and_continued(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". s| . s| . s"))
    store.commit(2)
    store.close()
    again, lines = reopen(directory)
    assert (again.last_seqno, again.committed_seqno) == (6, 2)
    assert lines == ["ledger: Recovered ledger entries up to 6, committed to 2"]
    append(again, 7, entries(7, "s|"))
    again.commit(7)
    assert again.read(1, 7) == [entry_bytes(seqno) for seqno in range(1, 8)]
    assert names(directory) == [
        "ledger_1-2.committed",
        "ledger_3-4.committed",
        "ledger_5-7.committed",
    ]
    again.close()


def test_files_that_do_not_belong_are_left_or_set_aside(
    store: LedgerStore, directory: Path
) -> None:
    append(store, 1, entries(1, ". s| . s"))
    store.commit(2)
    store.close()
    (directory / "notes.txt").write_text("hello")
    (directory / "ledger_9").write_bytes((directory / "ledger_3").read_bytes())
    (directory / "ledger_1-2").write_bytes(b"old")
    again, lines = reopen(directory)
    again.close()
    assert names(directory) == [
        "ledger_1-2.committed",
        "ledger_1-2.ignored",
        "ledger_3",
        "ledger_9.ignored",
        "notes.txt",
    ]
    assert any("ledger_9: it does not follow 4" in line for line in lines)


def test_a_damaged_chunk_is_set_aside(store: LedgerStore, directory: Path) -> None:
    append(store, 1, entries(1, ". s| . s"))
    store.close()
    path = directory / "ledger_1-2"
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    again, lines = reopen(directory)
    again.close()
    assert again.last_seqno == 0
    assert names(directory) == ["ledger_1-2.ignored", "ledger_3.ignored"]
    assert any("FAIL Error reading ledger file ledger_1-2" in line for line in lines)


def _states(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def _put(directory: Path, state: dict[str, bytes]) -> None:
    directory.mkdir(parents=True)
    for name, data in state.items():
        (directory / name).write_bytes(data)


def _first(name: str) -> int:
    return ChunkName.parse(name).first


def _kill_points(before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[dict]:  # type: ignore[type-arg]  # of a state
    """Return states a kill may leave on the way from one state to the next.

    A file that grew may have grown by any part; a new file likewise; one that was
    completed may have part of its table, or all of it and the header, and its old name.
    Files change one after the other.
    """
    done: dict[str, bytes] = {}
    for name, data in sorted(after.items(), key=lambda item: _first(item[0])):
        if before.get(name) == data:
            done[name] = data
            continue
        first = f"ledger_{_first(name)}"
        old = before.get(name, before.get(first, b""))
        others = done | {
            key: value for key, value in before.items() if _first(key) > _first(name)
        }
        done[name] = data
        body = len(old) if data[8 : len(old)] == old[8:] else 0
        for cut in range(body, len(data) + 1):
            grown = (old[:8] or bytes(8)) + data[8:]
            yield others | {first: grown[:cut]}
        if "-" in name:
            yield others | {first: data}
            yield others | {name.removesuffix(".committed"): data}


STEPS = (". s", ". . s|", ". s|", ". s", "^. s| s")


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_every_flushed_signature(tmp_path: Path) -> None:
    live = tmp_path / "live"
    store = LedgerStore(live, report=Report())
    store.create()
    before: dict[str, bytes] = {}
    count = 0
    for step in STEPS:
        signed = store.last_seqno
        append(store, signed + 1, entries(signed + 1, step))
        after = _states(live)
        for state in [before, *_kill_points(before, after), after]:
            count += 1
            copy = tmp_path / str(count)
            _put(copy, state)
            again, _ = reopen(copy)
            assert again.last_seqno >= signed, (step, state.keys())
            known = [entry_bytes(n) for n in range(1, again.last_seqno + 1)]
            assert (again.read(1, again.last_seqno) or []) == known
            following = again.last_seqno + 1
            append(again, following, [entry(following, "s|")])
            again.commit(following)
            again.close()
            for name in names(copy):
                positions(copy / name)
        before = after
        store.commit(store.last_seqno)
        before = _states(live)
    store.close()
    assert count > 500


PLANS = st.lists(
    st.lists(st.sampled_from([".", "s", "s|", "^."]), min_size=1, max_size=4),
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(PLANS, st.data())
def test_a_store_is_a_list_of_entries(
    tmp_path_factory: pytest.TempPathFactory,
    plans: list[list[str]],
    data: st.DataObject,
) -> None:
    directory = tmp_path_factory.mktemp("store") / "ledger"
    model: list[bytes] = []
    with contextlib.closing(LedgerStore(directory, report=Report())) as store:
        store.create()
        for generation, plan in enumerate(plans):
            first = len(model) + 1
            new = [
                entry(first + i, word, size=generation) for i, word in enumerate(plan)
            ]
            append(store, first, new)
            model += [item.data for item in new]
            keep = data.draw(st.integers(store.committed_seqno, len(model)))
            store.truncate(keep)
            del model[keep:]
            store.commit(data.draw(st.integers(0, keep)))
            assert store.last_seqno == len(model)
            assert (store.read(1, len(model) + 1) or []) == model
    again, _ = reopen(directory)
    with contextlib.closing(again):
        assert (again.read(1, len(model) + 1) or []) == model
