import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccfpy.audit.rows import ChunkRows, TransactionRow, WriteRow
from ccfpy.audit.sqlite import SqliteSink


def rows(seqno: int, *writes: WriteRow) -> ChunkRows:
    """Return a chunk of one transaction."""
    row = TransactionRow(seqno, 2, "ledger_1", False, 200, 0, bytes(32))
    return ChunkRows(transactions=[row], writes=list(writes))


def asked(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchall()


def test_the_state_is_what_was_written_last(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with SqliteSink(path) as sink:
        sink.add(rows(1, WriteRow(1, "public:a", b"k", "k", b"old", "old")))
        sink.add(rows(2, WriteRow(2, "public:a", b"k", "k", b"\xff", None)))
        sink.add(rows(3, WriteRow(3, "public:a", b"gone", "gone", b"v", "v")))
        sink.add(rows(4, WriteRow(4, "public:a", b"gone", "gone", None, None)))
        sink.add(rows(5, WriteRow(5, "public:b", b"k", "k", b"v", "v")))
    assert asked(path, "SELECT map, key, value, seqno FROM state ORDER BY map") == [
        ("public:a", b"k", b"\xff", 2),
        ("public:b", b"k", b"v", 5),
    ]
    assert asked(path, "SELECT count(*), max(seqno) FROM writes") == [(5, 5)]
    assert asked(path, "SELECT seqno, is_signature FROM transactions LIMIT 1") == [
        (1, 0)
    ]
    assert asked(path, "SELECT count(*) FROM sqlite_master WHERE type = 'index'") == [
        (1,)
    ]


def test_a_database_that_exists_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        SqliteSink(path)
    assert path.read_bytes() == b"mine"


def test_a_chunk_is_stored_wholly_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    twice = rows(2)
    twice.transactions.extend(twice.transactions)
    with SqliteSink(path) as sink:
        sink.add(rows(1))
        with pytest.raises(sqlite3.IntegrityError):
            sink.add(twice)
    assert asked(path, "SELECT seqno FROM transactions") == [(1,)]


def test_what_failed_is_closed_with_what_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    sink = SqliteSink(path)
    sink.add(rows(1))
    with pytest.raises(ZeroDivisionError), sink:
        raise ZeroDivisionError
    assert asked(path, "SELECT seqno FROM transactions") == [(1,)]
