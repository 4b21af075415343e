"""Filling the database of a ledger: coverage, a checkpoint, and beginning anew."""

from pathlib import Path

from ccfpy.audit.auditor import Damage
from ccfpy.audit.indexing import IndexWriter
from ccfpy.audit.ledger_index import (
    Coverage,
    IndexedChunk,
    IndexedTransaction,
    LedgerIndex,
    Vouched,
    write_id,
)
from ccfpy.base.ids import Seqno

MAP = "public:a"


def chunk(first: Seqno, last: Seqno, **writes: bytes | None) -> IndexedChunk:
    """Return a chunk whose first transaction writes these keys."""
    return IndexedChunk(
        first=first,
        file=f"ledger_{first}-{last}.committed",
        size_bytes=100,
        sha256=bytes(32),
        is_final=True,
        transactions=[
            IndexedTransaction(seqno, 2, seqno, False, 10, 0, None, bytes(32))
            for seqno in range(first, last + 1)
        ],
        maps=[MAP],
        writes=[
            (write_id(first, number), 0, key.encode(), value)
            for number, (key, value) in enumerate(writes.items())
        ],
    )


def words(index: LedgerIndex) -> list[tuple[Seqno, Coverage]]:
    return [(row.seqno, word) for row, word in index.transactions()]


def test_a_transaction_is_covered_by_the_next_signature(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "index.db") as index:
        index.add(chunk(1, 4), Vouched(signatures=[2]))
        covered = [index.coverage(seqno) for seqno in range(1, 6)]
        unsigned = (Coverage.UNSIGNED, None, None)
        signed = (Coverage.VERIFIED, 2, None)
        assert covered == [signed, signed, unsigned, unsigned, None]
        index.add(chunk(5, 6), Vouched(signatures=[6]))
        assert {index.coverage(seqno) for seqno in range(3, 7)} == {
            (Coverage.VERIFIED, 6, None)
        }


def test_damage_changes_what_is_said_of_what_follows(tmp_path: Path) -> None:
    damage = Damage(file="ledger_5-6", position=8, seqno=2, reason="changed")
    with IndexWriter(tmp_path / "index.db") as index:
        index.add(chunk(1, 4), Vouched(signatures=[2]))
        index.add(chunk(5, 6), Vouched(damage=damage))
        index.add(chunk(7, 7), Vouched(is_checked=False))
        assert words(index) == [(1, Coverage.VERIFIED)] + [
            (seqno, Coverage.NOT_VOUCHED_FOR) for seqno in range(2, 8)
        ]
        assert index.damage() == [damage]
        found = [index.chunk(first) for first in (1, 5, 7)]
        assert [each[-1] for each in found if each] == [True, False, False]


def test_what_is_beyond_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "index.db") as index:
        index.add(chunk(1, 4, k=b"v"), Vouched(signatures=[2]))
        assert index.resume() is None
        assert (words(index), index.last_seqno) == ([], 0)
        assert index.history(MAP, b"k") == []
        index.add(chunk(1, 4, k=b"v"), Vouched(signatures=[2]))
        index.finish()
        assert len(index.history(MAP, b"k")) == 1


def test_an_index_that_is_cleared_is_like_a_new_one(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "index.db") as index:
        damage = Damage(file="ledger_1-4", position=8, seqno=2, reason="changed")
        index.add(chunk(1, 4, k=b"v"), Vouched(signatures=[2], damage=damage))
        index.clear()
        assert (words(index), index.maps(), index.damage()) == ([], [], [])
        assert index.final_chunks() == []
        assert index.resume() is None
        index.add(chunk(1, 2, k=b"v"), Vouched(signatures=[2]))
        assert [each.value for each in index.history(MAP, b"k")] == [b"v"]


def test_a_database_that_was_left_without_tables_gets_them(tmp_path: Path) -> None:
    (tmp_path / "index.db").touch()
    with IndexWriter(tmp_path / "index.db") as index:
        assert index.last_seqno == 0
