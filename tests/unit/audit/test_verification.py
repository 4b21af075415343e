"""Ledgers in folders verify, whatever process reads them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.audit import checkpoint as checkpoints
from ccfpy.audit.auditor import ChunkChecked, Damage, Finding, Summary, audit
from ccfpy.audit.chunks import ChunkPath, find_chunks
from ccfpy.audit.readers import Readers, local_readers
from ccfpy.audit.verification import Verification, read_ahead
from ccfpy.base.ids import TxId
from ccfpy.ledger.frame import EntryFlags
from tests.unit.audit.made import written
from tests.unit.ledger.made import MadeLedger, recovered_ledger, small_ledger

INLINE = Readers(ahead=3)


@pytest.fixture(scope="module")
def processes() -> Iterator[Readers]:
    with local_readers(2) as readers:
        yield readers


def long_ledger() -> MadeLedger:
    """Write a recovered ledger of many chunks, one of which does not end signed."""
    ledger = recovered_ledger()
    for _ in range(4):
        ledger.sign(close=True)
        ledger.say("more")
    ledger.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    ledger.sign()
    ledger.say("unsigned")
    return ledger


def plainly(chunks: list[ChunkPath]) -> list[Finding]:
    return list(audit(chunk.file for chunk in chunks))


def test_processes_find_what_the_plain_auditor_finds(
    processes: Readers, tmp_path: Path
) -> None:
    chunks = find_chunks([written(long_ledger(), tmp_path)])
    verification = Verification(chunks, processes)
    assert verification.bytes_to_read == sum(chunk.size_bytes for chunk in chunks)
    assert list(verification.findings()) == plainly(chunks)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_they_find_every_damage_alike(
    processes: Readers, tmp_path: Path, data: st.DataObject
) -> None:
    chunks = find_chunks([written(long_ledger(), tmp_path)])
    path = data.draw(st.sampled_from(chunks)).path
    damaged = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    expected = plainly(chunks)
    assert list(Verification(chunks, processes).findings()) == expected
    assert list(Verification(chunks, INLINE).findings()) == expected


def test_an_audit_goes_on_where_another_was(tmp_path: Path) -> None:
    ledger = long_ledger()
    chunks = find_chunks([written(ledger, tmp_path)])
    whole = plainly(chunks)
    for taken in range(1, len(chunks)):
        first = Verification(chunks, INLINE)
        before = stopped_after(first, taken)
        assert first.checkpoint is not None
        checkpoint = checkpoints.parse(checkpoints.serialise(first.checkpoint))
        second = Verification(chunks, INLINE, checkpoint)
        assert second.checkpoint == first.checkpoint
        after = list(second.findings())
        # What was found between the checkpoint and the stop is found again.
        assert after == whole[-len(after) :]
        assert len(before) + len(after) >= len(whole)
        assert second.bytes_to_read < first.bytes_to_read


def stopped_after(verification: Verification, chunks: int) -> list[Finding]:
    """Audit until the chunk after so many is begun."""
    findings = []
    checked = 0
    for finding in verification.findings():
        if checked >= chunks:
            break
        findings.append(finding)
        checked += isinstance(finding, ChunkChecked)
    return findings


def test_it_goes_on_only_from_what_is_committed(tmp_path: Path) -> None:
    ledger = small_ledger()
    folder = written(ledger, tmp_path)
    verification = Verification(find_chunks([folder]), INLINE)
    list(verification.findings())
    assert verification.checkpoint is not None
    assert verification.checkpoint.last_signed == TxId(2, 8)
    (folder / "ledger_6-8.committed").rename(folder / "ledger_6-8")
    verification = Verification(find_chunks([folder]), INLINE)
    list(verification.findings())
    assert verification.checkpoint is not None
    assert verification.checkpoint.last_signed == TxId(2, 5)


def test_damage_keeps_the_place_before_it(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path)
    (folder / "ledger_6-8.committed").write_bytes(b"damaged")
    verification = Verification(find_chunks([folder]), INLINE)
    *_, damage, _ = verification.findings()
    assert isinstance(damage, Damage)
    assert verification.checkpoint is not None
    assert verification.checkpoint.last_signed == TxId(2, 5)
    written(small_ledger(), folder)
    mended = Verification(find_chunks([folder]), INLINE, verification.checkpoint)
    assert list(mended.findings()) == plainly(find_chunks([folder]))[-3:]


@pytest.mark.parametrize("kept", [0, 1])
def test_a_ledger_that_has_become_shorter_is_damaged(tmp_path: Path, kept: int) -> None:
    folder = written(small_ledger(), tmp_path)
    first = Verification(find_chunks([folder]), INLINE)
    list(first.findings())
    chunks = find_chunks([folder])[:kept]
    damage, summary = Verification(chunks, INLINE, first.checkpoint).findings()
    assert isinstance(damage, Damage)
    assert "an earlier audit verified it up to 2.8" in damage.reason
    assert isinstance(summary, Summary)
    assert summary.is_damaged
    assert summary.last_signed == TxId(2, 8)


def test_a_ledger_that_ends_where_it_was_is_whole(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path)
    (folder / "ledger_9").unlink()
    first = Verification(find_chunks([folder]), INLINE)
    *_, expected = first.findings()
    again = Verification(find_chunks([folder]), INLINE, first.checkpoint)
    assert list(again.findings()) == [expected]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    chunks = find_chunks([written(small_ledger(), tmp_path)])
    chunks[1].path.unlink()
    with pytest.raises(FileNotFoundError):
        list(Verification(chunks, INLINE).findings())


def test_a_reader_reads_one_chunk(tmp_path: Path) -> None:
    chunk, *_, tail = find_chunks([written(small_ledger(), tmp_path)])
    assert read_ahead((), chunk).last == 5
    assert not read_ahead((), tail).is_complete
