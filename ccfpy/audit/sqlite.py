"""A ledger's public tables as a SQLite database.

Beside the two tables of ``audit.rows``, the view ``state`` has what each key holds at
the ledger's end. Rows are added chunk by chunk, each chunk at once or not at all.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from ccfpy.audit.rows import ChunkRows

SCHEMA = """
CREATE TABLE transactions (
    seqno INTEGER PRIMARY KEY,
    view INTEGER NOT NULL,
    file TEXT NOT NULL,
    is_signature INTEGER NOT NULL,
    entry_bytes INTEGER NOT NULL,
    private_bytes INTEGER NOT NULL,
    claims_digest BLOB
);
CREATE TABLE writes (
    seqno INTEGER NOT NULL REFERENCES transactions,
    map TEXT NOT NULL,
    key BLOB NOT NULL,
    key_text TEXT,
    value BLOB,
    value_text TEXT
);
CREATE VIEW state AS
    SELECT map, key, key_text, value, value_text, seqno
    FROM (SELECT *, max(seqno) FROM writes GROUP BY map, key)
    WHERE value IS NOT NULL;
"""
INDEX = "CREATE INDEX writes_of_key ON writes (map, key, seqno)"


class SqliteSink:
    """A database being written, which must not exist yet."""

    def __init__(self, path: Path) -> None:
        """Create the database.

        Raises:
            FileExistsError: there is one already.
            OSError: it cannot be written.
        """
        path.open("xb").close()
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(SCHEMA)

    def add(self, rows: ChunkRows) -> None:
        """Store a chunk's rows."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows.transactions,
            )
            self._database.executemany(
                "INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?)", rows.writes
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
        """Make the index, which is cheaper once all is there, and close."""
        with closing(self._database):
            if kind is None:
                self._database.execute(INDEX)
