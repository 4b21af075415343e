"""A repair keeps exactly what verifies, whatever happened to the files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.audit.auditor import ChunkFile, OpenTail, Summary, audit
from ccfpy.audit.chunks import arrange
from ccfpy.audit.in_use import InUse
from ccfpy.audit.readers import Readers
from ccfpy.audit.repair import NotRepairable, Plan, all_chunks, carry_out, plan
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from tests.unit.audit.made import written
from tests.unit.ledger.made import MadeLedger, recovered_ledger, small_ledger

LEDGER = recovered_ledger()
WHOLE = {file.name: file.read() for file in LEDGER.files()}
SIGNATURES = [
    seqno
    for seqno, entry in enumerate(LEDGER.entries, start=1)
    if is_signature(Transaction.parse(entry.data).domain.write_set)
]
LAST = SIGNATURES[-1]


@contextmanager
def folder_of(files: dict[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "ledger"
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        yield folder


def plan_for(*folders: Path) -> Plan:
    return plan(all_chunks(folders), Readers())


def repair(*folders: Path) -> Plan:
    made = plan_for(*folders)
    carry_out(made)
    return made


def entries(folder: Path) -> list[bytes]:
    """Read a sound ledger's entries."""
    found = []
    for name in arrange(path.name for path in folder.iterdir()):
        chunk = Chunk.parse(name, (folder / str(name)).read_bytes())
        assert not chunk.torn_bytes
        found += [data for _, _, data in chunk.entries()]
    return found


def require_prefix(folder: Path, last: Seqno) -> None:
    """Make sure that a folder has a whole ledger: the made one's up to a signature."""
    assert entries(folder) == [entry.data for entry in LEDGER.entries[:last]]
    names = arrange(path.name for path in folder.iterdir())
    files = [ChunkFile(str(name), (folder / str(name)).read_bytes) for name in names]
    *findings, summary = audit(files)
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert not any(isinstance(finding, OpenTail) for finding in findings)
    assert not plan_for(folder).is_needed


def before(seqno: Seqno) -> Seqno:
    """Return the last signature before a seqno."""
    return max((signed for signed in SIGNATURES if signed < seqno), default=0)


def owner(name: str, position: int) -> Seqno | None:
    """Return the entry of a file that has a byte; none for header and table."""
    chunk = Chunk.parse(ChunkName.parse(name), WHOLE[name])
    for seqno, start, data in chunk.entries():
        if start <= position < start + len(data):
            return seqno
    return None


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check(files: dict[str, bytes], expected: Seqno) -> None:
    with folder_of(files) as folder:
        if expected == 0:
            with pytest.raises(NotRepairable, match="no signature in these files"):
                plan_for(folder)
            assert contents(folder) == files
            return
        made = repair(folder)
        assert made.last_signed.seqno == expected
        require_prefix(folder, expected)
        backup = folder.with_name("ledger.before-repair")
        saved = contents(backup) if backup.exists() else {}
        assert {**contents(folder), **saved} == {**contents(folder), **files} or (
            set(saved) <= set(files)
        )
        for name, data in saved.items():
            assert data == files[name]
        lost = set(files) - set(contents(folder))
        assert lost <= set(saved)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_a_damaged_byte_costs_what_the_signature_over_it_covers(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    position = data.draw(st.integers(0, len(WHOLE[name]) - 1))
    changed = bytearray(WHOLE[name])
    changed[position] ^= data.draw(st.integers(1, 255))
    at = owner(name, position)
    if at == LAST:
        return  # nothing covers the last signature but what it holds itself
    expected = LAST if at is None else before(at)
    check({**WHOLE, name: bytes(changed)}, expected)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_a_file_cut_anywhere_is_kept_up_to_its_last_whole_signature(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    cut = data.draw(st.integers(0, len(WHOLE[name]) - 1))
    chunk = Chunk.parse(ChunkName.parse(name), WHOLE[name])
    if cut >= chunk.end:  # only the table is cut
        expected = LAST
    else:
        whole = sum(1 for _, at, entry in chunk.entries() if at + len(entry) <= cut)
        expected = before(chunk.name.first + whole)
    check({**WHOLE, name: WHOLE[name][:cut]}, expected)


@pytest.mark.parametrize("cut", range(0, len(WHOLE["ledger_9"]), 401))
def test_an_open_file_cut_anywhere_loses_the_unsigned_alone(cut: int) -> None:
    chunk = Chunk.parse(ChunkName.parse("ledger_9"), WHOLE["ledger_9"])
    whole = sum(1 for _, at, entry in chunk.entries() if at + len(entry) <= cut)
    check({**WHOLE, "ledger_9": WHOLE["ledger_9"][:cut]}, before(9 + whole))


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_nothing_is_kept_beyond_a_missing_file(missing: str) -> None:
    files = {name: data for name, data in WHOLE.items() if name != missing}
    if missing == "ledger_1-5.committed":
        with folder_of(files) as folder, pytest.raises(NotRepairable) as refused:
            plan_for(folder)
        assert "the ledger begins at seqno 6" in str(refused.value)
        return
    check(files, ChunkName.parse(missing).first - 1)


def test_what_is_missing_is_named() -> None:
    files = {name: data for name, data in WHOLE.items() if "6-8" not in name}
    with folder_of(files) as folder:
        made = plan_for(folder)
    assert made.missing == (6, 8)
    assert made.is_damaged
    assert made.last_named == LAST


def test_a_sound_ledger_is_left_alone() -> None:
    with folder_of(WHOLE) as folder:
        made = repair(folder)
        assert not made.is_needed
        assert not made.is_damaged
        assert contents(folder) == WHOLE
        assert [path.name for path in folder.parent.iterdir()] == ["ledger"]


def test_an_unsigned_end_is_no_damage_and_is_cut_off(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.say("nobody vouches for this")
    folder = written(ledger, tmp_path / "ledger")
    made = repair(folder)
    assert made.is_needed
    assert not made.is_damaged
    assert made.last_named == 11
    assert len(entries(folder)) == 10


@pytest.mark.parametrize("step", range(6))
def test_an_interrupted_repair_is_completed_by_the_next(step: int) -> None:
    changed = bytearray(WHOLE["ledger_6-8.committed"])
    changed[-40] ^= 1
    steps = iter(range(step))

    class Interrupted(Exception):
        pass

    def interrupt() -> None:
        try:
            next(steps)
        except StopIteration:
            raise Interrupted from None

    files = {**WHOLE, "ledger_6-8.committed": bytes(changed), "ledger_3": b""}
    with folder_of(files) as folder:
        made = plan_for(folder)
        try:
            carry_out(made, on_step=interrupt)
        except Interrupted:
            repair(folder)
        require_prefix(folder, made.last_signed.seqno)


def test_several_folders_have_one_backup_each() -> None:
    with folder_of({}) as folder:
        later = folder.with_name("later")
        later.mkdir()
        (folder / "ledger_1-5.committed").write_bytes(WHOLE["ledger_1-5.committed"])
        changed = bytearray(WHOLE["ledger_6-8.committed"])
        changed[60] ^= 1
        (folder / "ledger_6-8.committed").write_bytes(changed)
        (later / "ledger_9").write_bytes(WHOLE["ledger_9"])
        repair(folder, later)
        require_prefix(folder, 5)
        assert not list(later.iterdir())
        assert set(contents(folder.with_name("later.before-repair"))) == {"ledger_9"}
        (later / "ledger_9").write_bytes(WHOLE["ledger_9"])
        repair(folder, later)
        assert folder.with_name("later.before-repair-2").is_dir()


def test_a_copy_that_is_sound_saves_what_is_damaged() -> None:
    with folder_of(WHOLE) as folder:
        other = folder.with_name("other")
        shutil.copytree(folder, other)
        changed = bytearray(WHOLE["ledger_6-8.committed"])
        changed[60] ^= 1
        (folder / "ledger_6-8.committed").write_bytes(changed)
        made = repair(folder, other)
        assert made.last_signed.seqno == LAST
        assert [chunk.path.parent for chunk in made.gone] == [folder]
        require_prefix(other, LAST)


def test_two_histories_are_not_one_to_repair(tmp_path: Path) -> None:
    one, two = small_ledger(), small_ledger()
    for ledger, text in ((one, "this"), (two, "that")):
        ledger.say(text)
        ledger.sign()
    first = written(one, tmp_path / "one")
    second = written(two, tmp_path / "two")
    with pytest.raises(NotRepairable, match="belong to 2 histories"):
        plan_for(first, second)


def test_nothing_is_done_when_a_file_has_changed_meanwhile() -> None:
    with folder_of({**WHOLE, "ledger_9": WHOLE["ledger_9"] + b"\0"}) as folder:
        made = plan_for(folder)
        (folder / "ledger_9").write_bytes(WHOLE["ledger_9"] + b"\0\0")
        with pytest.raises(InUse, match="has changed since it was read"):
            carry_out(made)
        assert [path.name for path in folder.parent.iterdir()] == ["ledger"]


def test_nothing_is_done_while_somebody_writes() -> None:
    with folder_of({**WHOLE, "ledger_9": WHOLE["ledger_9"] + b"\0"}) as folder:
        made = plan_for(folder)
        with (
            (folder / "ledger_9").open("ab"),
            pytest.raises(InUse, match="open for writing"),
        ):
            carry_out(made)


def test_what_is_no_ledger_is_refused() -> None:
    with folder_of({"ledger_1": b"noise" * 100}) as folder:
        with pytest.raises(NotRepairable, match="ledger_1: "):
            plan_for(folder)
        assert contents(folder) == {"ledger_1": b"noise" * 100}


def made_with(change: Callable[[MadeLedger], object]) -> MadeLedger:
    ledger = small_ledger()
    change(ledger)
    return ledger


def test_a_backup_may_be_put_elsewhere(tmp_path: Path) -> None:
    ledger = made_with(lambda it: it.say("unsigned"))
    folder = written(ledger, tmp_path / "ledger")
    kept = carry_out(plan_for(folder), backup=lambda _: tmp_path / "a" / "b")
    assert kept == [tmp_path / "a" / "b"]
    assert [path.name for path in kept[0].iterdir()] == ["ledger_9"]
    with pytest.raises(Malformed):
        ChunkName.parse(kept[0].name)
