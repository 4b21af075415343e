"""The parts of a ledger that are exported to tables."""

from pathlib import Path

import pytest

from ccfpy.audit.chunks import ChunkPath, find_chunks
from ccfpy.audit.rows import WriteRow, read_rows
from ccfpy.base.errors import Malformed
from tests.unit.audit.made import written
from tests.unit.ledger.made import MadeLedger, small_ledger


def only_chunk(ledger: MadeLedger, folder: Path) -> ChunkPath:
    (chunk,) = find_chunks([written(ledger, folder)])
    return chunk


def test_each_transaction_is_a_row(tmp_path: Path) -> None:
    chunk, *_ = find_chunks([written(small_ledger(), tmp_path)])
    rows = read_rows("", chunk).transactions
    assert [(row.view, row.seqno) for row in rows] == [(2, at) for at in range(1, 6)]
    assert [row.is_signature for row in rows] == [False, True, False, False, True]
    assert {row.file for row in rows} == {"ledger_1-5.committed"}
    sizes = [len(entry.data) for entry in small_ledger().entries[:5]]
    assert [row.entry_bytes for row in rows] == sizes
    assert [row.private_bytes > 0 for row in rows] == [False, False, False, True, False]
    assert {row.claims_digest for row in rows} == {bytes(32)}


def test_each_key_written_or_removed_is_a_row(tmp_path: Path) -> None:
    ledger = MadeLedger()
    ledger.put(
        {
            "public:a": {b"k": b"v", b"\xff": b"\xfe", b"gone": None},
            "public:b": {b"0\0": b"null"},
            "secret": {b"k": b"v"},
        }
    )
    rows = read_rows("", only_chunk(ledger, tmp_path)).writes
    assert rows == [
        WriteRow(1, "public:a", b"k", "k", b"v", "v"),
        WriteRow(1, "public:a", b"\xff", None, b"\xfe", None),
        WriteRow(1, "public:a", b"gone", "gone", None, None),
        WriteRow(1, "public:b", b"0\0", None, b"null", "null"),
    ]


def test_maps_are_chosen_by_name_and_transactions_are_not(tmp_path: Path) -> None:
    ledger = MadeLedger()
    ledger.put({"public:a": {b"k": b"v"}})
    ledger.put({"public:b": {b"k": b"v"}})
    rows = read_rows(":b", only_chunk(ledger, tmp_path))
    assert [row.map for row in rows.writes] == ["public:b"]
    assert len(rows.transactions) == 2


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    chunk, *_ = find_chunks([written(small_ledger(), tmp_path)])
    chunk.path.write_bytes(b"noise")
    with pytest.raises(Malformed, match=r"ledger_1-5\.committed is damaged"):
        read_rows("", chunk)
