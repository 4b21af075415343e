from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ccfpy.audit.parquet import BYTES_PER_GROUP, ROWS_PER_GROUP, ParquetSink
from ccfpy.audit.rows import ChunkRows, TransactionRow, WriteRow

TRANSACTION = TransactionRow(1, 2, "ledger_1", False, 200, 7, bytes(32))
WRITE = WriteRow(1, "public:a", b"\xff", None, b"v", "v")


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    older = TRANSACTION._replace(seqno=2, claims_digest=None, is_signature=True)
    removed = WRITE._replace(seqno=2, key_text="k", value=None, value_text=None)
    with ParquetSink(tmp_path / "out") as sink:
        sink.add(ChunkRows(transactions=[TRANSACTION], writes=[WRITE]))
        sink.add(ChunkRows(transactions=[older], writes=[removed]))
    transactions = pq.read_table(tmp_path / "out" / "transactions.parquet")
    assert [TransactionRow(**row) for row in transactions.to_pylist()] == [
        TRANSACTION,
        older,
    ]
    writes = pq.read_table(tmp_path / "out" / "writes.parquet")
    assert [WriteRow(**row) for row in writes.to_pylist()] == [WRITE, removed]


MANY = [WRITE] * (ROWS_PER_GROUP // 2)
BIG = [WRITE._replace(value=bytes(BYTES_PER_GROUP // 2))]


@pytest.mark.slow
@pytest.mark.parametrize("writes", [MANY, BIG], ids=["many", "big"])
def test_rows_are_not_gathered_for_ever(tmp_path: Path, writes: list[WriteRow]) -> None:
    with ParquetSink(tmp_path / "out") as sink:
        for _ in range(4):
            sink.add(ChunkRows(transactions=[TRANSACTION], writes=writes))
    written = pq.ParquetFile(tmp_path / "out" / "writes.parquet").metadata
    assert (written.num_rows, written.num_row_groups) == (4 * len(writes), 2)


def test_a_ledger_without_public_writes_is_empty_tables(tmp_path: Path) -> None:
    with ParquetSink(tmp_path / "out"):
        pass
    assert pq.read_table(tmp_path / "out" / "writes.parquet").num_rows == 0


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        ParquetSink(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_failed_is_closed_with_what_was_written(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path / "out")
    with pytest.raises(ZeroDivisionError), sink:
        raise ZeroDivisionError
    assert pq.read_table(tmp_path / "out" / "writes.parquet").num_rows == 0
