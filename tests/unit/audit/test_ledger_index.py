"""The database of a ledger: rows in and out, coverage, what it refuses to open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccfpy.audit.auditor import Damage
from ccfpy.audit.ledger_index import (
    Coverage,
    IndexedChunk,
    IndexedTransaction,
    LedgerIndex,
    Vouched,
    write_id,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId

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
    with LedgerIndex(tmp_path / "index.db") as index:
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
    with LedgerIndex(tmp_path / "index.db") as index:
        index.add(chunk(1, 4), Vouched(signatures=[2]))
        index.add(chunk(5, 6), Vouched(damage=damage))
        index.add(chunk(7, 7), Vouched(is_checked=False))
        assert words(index) == [(1, Coverage.VERIFIED)] + [
            (seqno, Coverage.NOT_VOUCHED_FOR) for seqno in range(2, 8)
        ]
        assert index.damage() == [damage]
        found = [index.chunk(first) for first in (1, 5, 7)]
        assert [each[-1] for each in found if each] == [True, False, False]


def test_it_says_which_maps_were_written_and_with_which_values(tmp_path: Path) -> None:
    with LedgerIndex(tmp_path / "index.db") as index:
        index.add(chunk(1, 2, k=b"v", gone=None), Vouched())
        index.add(chunk(3, 3, gone=None), Vouched())
        index.add(chunk(4, 5, k=b"w"), Vouched())
        assert index.tables_written(1, 3) == {1: {MAP: True}, 3: {MAP: False}}
        assert list(index.values(MAP, 1, 4)) == [(1, b"k", b"v"), (4, b"k", b"w")]
        assert list(index.values(MAP, 2, 3)) == []
        assert list(index.values("public:other", 1, 4)) == []


def test_what_is_beyond_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    with LedgerIndex(tmp_path / "index.db") as index:
        index.add(chunk(1, 4, k=b"v"), Vouched(signatures=[2]))
        assert index.resume() is None
        assert (words(index), index.last_seqno) == ([], 0)
        assert index.history(MAP, b"k") == []
        index.add(chunk(1, 4, k=b"v"), Vouched(signatures=[2]))
        index.finish()
        assert len(index.history(MAP, b"k")) == 1


def test_keys_and_their_histories_are_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with LedgerIndex(path) as index:
        for seqno, value in enumerate((b"1", None, b"3"), 1):
            index.add(chunk(seqno, seqno, ab=value, ac=b"x", b=b""), Vouched())
        index.finish()
    with LedgerIndex(path) as index:
        assert index.maps() == [MAP]
        assert index.keys(MAP) == [b"ab", b"ac", b"b"]
        assert index.keys(MAP, prefix=b"a") == [b"ab", b"ac"]
        assert index.keys(MAP, prefix=b"a", count=1) == [b"ab"]
        assert index.keys("public:other") == []
        history = index.history(MAP, b"ab")
        assert [(each.txid, each.value) for each in history] == [
            (TxId(2, 3), b"3"),
            (TxId(2, 2), None),
            (TxId(2, 1), b"1"),
        ]
        assert index.history(MAP, b"ab", before=3, count=1) == history[1:2]
        assert index.writes(2) == [
            (MAP, b"ab", None),
            (MAP, b"ac", b"x"),
            (MAP, b"b", b""),
        ]
        assert len(index.transactions(after=1, count=1)) == 1


def test_an_entrys_last_possible_write_has_an_id_of_its_own() -> None:
    assert write_id(1, (1 << 22) - 1) < write_id(2, 0)
    with pytest.raises(AssertionError):
        write_id(1, 1 << 22)


def test_another_file_is_refused_and_kept(tmp_path: Path) -> None:
    text, other = tmp_path / "notes", tmp_path / "other.db"
    text.write_bytes(b"mine" * 100)
    with pytest.raises(Malformed, match="no index of a ledger"):
        LedgerIndex(text)
    assert text.read_bytes() == b"mine" * 100
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB)")
    with pytest.raises(Malformed, match="or of another version"):
        LedgerIndex(other)
