"""A ledger's public tables as Parquet files, for programs that read columns.

A folder with ``transactions.parquet`` and ``writes.parquet``, the tables of
``audit.rows``. Rows are gathered into groups of a size that readers like.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from ccfpy.audit.rows import ChunkRows, TransactionRow, WriteRow

ROWS_PER_GROUP = 1 << 17
BYTES_PER_GROUP = 64 << 20
"""Of keys and values, so that few rows of great size are not gathered for long."""

_TRANSACTIONS = pa.schema(
    [
        pa.field("seqno", pa.uint64(), nullable=False),
        pa.field("view", pa.uint64(), nullable=False),
        pa.field("file", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("is_signature", pa.bool_(), nullable=False),
        pa.field("entry_bytes", pa.uint32(), nullable=False),
        pa.field("private_bytes", pa.uint32(), nullable=False),
        pa.field("claims_digest", pa.binary(32)),
    ]
)
_WRITES = pa.schema(
    [
        pa.field("seqno", pa.uint64(), nullable=False),
        pa.field("map", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("key", pa.binary(), nullable=False),
        pa.field("key_text", pa.string()),
        pa.field("value", pa.binary()),
        pa.field("value_text", pa.string()),
    ]
)


class _Table:
    """One file, and the rows that are not in it yet."""

    def __init__(self, path: Path, schema: Any) -> None:  # noqa: ANN401 - untyped library
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[Sequence[object]] = []
        self._bytes = 0

    def add(self, rows: Sequence[Sequence[object]], row_bytes: int) -> None:
        self._rows.extend(rows)
        self._bytes += row_bytes
        if len(self._rows) >= ROWS_PER_GROUP or self._bytes >= BYTES_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            columns = [
                pa.array(column, type=field.type)
                for column, field in zip(
                    zip(*self._rows, strict=True), self._schema, strict=True
                )
            ]
            batch = pa.record_batch(columns, schema=self._schema)
            self._writer.write_batch(batch)
        self._rows, self._bytes = [], 0

    def close(self) -> None:
        self._writer.close()


class ParquetSink:
    """A folder of Parquet files being written, which must not exist yet."""

    def __init__(self, folder: Path) -> None:
        """Create the folder and its files.

        Raises:
            FileExistsError: there is one already.
            OSError: it cannot be written.
        """
        folder.mkdir()
        self._transactions = _Table(folder / "transactions.parquet", _TRANSACTIONS)
        self._writes = _Table(folder / "writes.parquet", _WRITES)

    def add(self, rows: ChunkRows) -> None:
        """Store a chunk's rows."""
        transactions: list[TransactionRow] = rows.transactions
        writes: list[WriteRow] = rows.writes
        self._transactions.add(transactions, 0)
        self._writes.add(
            writes, sum(len(row.key) + len(row.value or b"") for row in writes)
        )

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what was gathered, and the files' ends."""
        for table in (self._transactions, self._writes):
            if kind is None:
                table.flush()
            table.close()
