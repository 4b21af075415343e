"""One reading verifies a ledger and fills its index; rows say who vouches for them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ccfpy.audit.auditor import Damage, Finding, Summary
from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.indexing import Indexing, IndexWriter
from ccfpy.audit.ledger_index import PAGE_MAX, Coverage
from ccfpy.audit.readers import Readers, local_readers
from ccfpy.audit.rows import read_rows
from ccfpy.audit.verification import Verification
from ccfpy.base.ids import Seqno
from ccfpy.crypto.hashing import sha256
from tests.unit.audit.made import written
from tests.unit.audit.test_verification import long_ledger
from tests.unit.ledger.made import small_ledger

INLINE = Readers(ahead=3)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexWriter]:
    with IndexWriter(tmp_path / "index.db") as made:
        yield made


def indexed(
    folder: Path, index: IndexWriter, readers: Readers = INLINE
) -> list[Finding]:
    return list(Indexing(find_chunks([folder]), readers, index).findings())


def plainly(folder: Path) -> list[Finding]:
    return list(Verification(find_chunks([folder]), INLINE).findings())


def words(index: IndexWriter) -> dict[Seqno, Coverage]:
    return {row.seqno: word for row, word in index.transactions()}


def everything(index: IndexWriter) -> list[object]:
    """Return all that the index says, so that two can be compared."""
    rows = index.transactions()
    return [
        rows,
        [index.coverage(row.seqno) for row, _ in rows],
        [index.writes(row.seqno) for row, _ in rows],
        index.damage(),
    ]


def change_byte(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def last_signature(index: IndexWriter) -> Seqno:
    return max(row.seqno for row, _ in index.transactions() if row.is_signature)


def test_findings_are_those_of_a_verification(
    index: IndexWriter, tmp_path: Path
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    assert indexed(folder, index) == plainly(folder)


def test_rows_are_those_of_an_export(index: IndexWriter, tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    indexed(folder, index)
    told = {
        row.seqno: (row, index.writes(row.seqno)) for row, _ in index.transactions()
    }
    count = 0
    for chunk in find_chunks([folder]):
        exported = read_rows("", chunk)
        for row in exported.transactions:
            found, writes = told[row.seqno]
            assert found.view == row.view
            assert found.is_signature == row.is_signature
            assert found.entry_bytes == row.entry_bytes
            assert found.private_bytes == row.private_bytes
            assert found.claims_digest == row.claims_digest
            assert writes == [
                (write.map, write.key, write.value)
                for write in exported.writes
                if write.seqno == row.seqno
            ]
            count += 1
    assert count == len(told) > 10


def test_each_row_names_its_signature_and_service(
    index: IndexWriter, tmp_path: Path
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    *_, summary = indexed(folder, index)
    assert isinstance(summary, Summary)
    assert summary.service is not None
    signatures = [row.seqno for row, _ in index.transactions() if row.is_signature]
    services = set()
    for row, word in index.transactions():
        coverage = index.coverage(row.seqno)
        assert coverage is not None
        following = [seqno for seqno in signatures if seqno >= row.seqno]
        if following:
            assert (word, coverage[1]) == (Coverage.VERIFIED, following[0])
            services.add(coverage[2])
        else:
            assert coverage == (Coverage.UNSIGNED, None, None)
    assert len(services) == 2, "the ledger was recovered once"
    assert summary.service.digest_hex in services
    assert words(index)[index.last_seqno] is Coverage.UNSIGNED


@pytest.mark.slow
def test_processes_fill_the_same_index(index: IndexWriter, tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    indexed(folder, index)
    with (
        local_readers(2) as readers,
        IndexWriter(tmp_path / "other.db") as other,
    ):
        assert indexed(folder, other, readers) == plainly(folder)
        assert everything(other) == everything(index)


@pytest.mark.parametrize("chunk", [0, 2, 4])
def test_after_damage_nothing_is_vouched_for(
    index: IndexWriter, tmp_path: Path, chunk: int
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    chunks = find_chunks([folder])
    assert len(chunks) > 5
    damaged = chunks[chunk].path
    change_byte(damaged, 8 + 60)  # in the first entry, after its frame
    found = indexed(folder, index)
    assert found == plainly(folder)
    assert any(isinstance(each, Damage) for each in found)
    *_, summary = found
    assert isinstance(summary, Summary)
    last = 0 if summary.last_signed is None else summary.last_signed.seqno
    told = words(index)
    for seqno, word in told.items():
        assert (word is Coverage.VERIFIED) == (seqno <= last), seqno
        assert word is not Coverage.UNSIGNED
    assert max(told) > chunks[chunk + 1].name.first, "what follows is there"
    assert [each.file for each in index.damage()] == [damaged.name]


def test_a_missing_chunk_leaves_what_follows_without_a_voucher(
    index: IndexWriter, tmp_path: Path
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    chunks = find_chunks([folder])
    chunks[2].path.unlink()
    indexed(folder, index)
    told = words(index)
    assert chunks[2].name.first not in told
    assert told[chunks[1].name.first] is Coverage.VERIFIED
    assert told[chunks[3].name.first] is Coverage.NOT_VOUCHED_FOR
    assert len(index.damage()) == 1


@pytest.mark.slow
def test_changed_bytes_are_noticed_wherever_they_are(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    (chunk, *_) = find_chunks([folder])
    whole = chunk.path.read_bytes()
    for position in range(8, len(whole), 397):
        change_byte(chunk.path, position)
        with IndexWriter(tmp_path / f"{position}.db") as index:
            assert indexed(folder, index) == plainly(folder)
        chunk.path.write_bytes(whole)


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_an_indexing_that_was_interrupted_goes_on(
    index: IndexWriter, tmp_path: Path, stop_after: int
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    findings = Indexing(find_chunks([folder]), INLINE, index).findings()
    assert len(list(islice(findings, stop_after))) == stop_after
    del findings
    indexed(folder, index)
    with IndexWriter(tmp_path / "other.db") as other:
        indexed(folder, other)
        assert everything(index) == everything(other)


def test_an_index_grows_with_its_ledger(index: IndexWriter, tmp_path: Path) -> None:
    ledger = long_ledger()
    folder = written(ledger, tmp_path / "ledger")
    indexed(folder, index)
    before = index.last_seqno
    for path in folder.iterdir():
        path.unlink()
    ledger.sign(close=True)
    ledger.say("later")
    written(ledger, folder)
    again = Indexing(find_chunks([folder]), INLINE, index)
    whole = sum(chunk.size_bytes for chunk in find_chunks([folder]))
    assert again.bytes_to_read < whole, "what was verified is not read again"
    *_, summary = again.findings()
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert words(index)[before] is Coverage.VERIFIED
    assert words(index)[index.last_seqno] is Coverage.UNSIGNED


def test_a_ledger_that_became_shorter_is_damaged(
    index: IndexWriter, tmp_path: Path
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    indexed(folder, index)
    for chunk in find_chunks([folder])[2:]:
        chunk.path.unlink()
    *_, summary = indexed(folder, index)
    assert isinstance(summary, Summary)
    assert summary.is_damaged
    (damage,) = index.damage()
    assert "an earlier audit verified it" in damage.reason


def test_a_key_has_its_history(index: IndexWriter, tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    indexed(folder, index)
    for name in index.maps():
        for key in index.keys(name):
            history = index.history(name, key)
            assert history
            seqnos = [write.txid.seqno for write in history]
            assert seqnos == sorted(seqnos, reverse=True)
            first = history[0]
            assert (name, key, first.value) in index.writes(first.txid.seqno)
            older = index.history(name, key, before=seqnos[0])
            assert older == history[1:]
            assert index.keys(name, prefix=key)[0] == key
            assert len(index.history(name, key, count=1)) == 1
    assert index.history("public:none", b"k") == []


def test_the_bytes_that_were_verified_are_named(
    index: IndexWriter, tmp_path: Path
) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    indexed(folder, index)
    for chunk in find_chunks([folder]):
        data = chunk.path.read_bytes()
        assert index.chunk(chunk.name.first) == (
            str(chunk.name), len(data), sha256(data), chunk.name.is_committed, True,
        )  # fmt: skip
    assert index.chunk(1 << 40) is None
    assert len(index.transactions(count=PAGE_MAX + 1)) <= PAGE_MAX
