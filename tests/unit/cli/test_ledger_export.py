import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import small_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return written(small_ledger(), tmp_path / "ledger")


@pytest.mark.slow
def test_a_database_is_written(command: Command, ledger: Path, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ended = command("ledger", "export", ledger, "--out", path, "--processes", 2)
    assert ended.code == 0
    assert "10 transactions, 20 writes" in ended.out
    with closing(sqlite3.connect(path)) as database:
        state = database.execute(
            "SELECT map, value FROM state WHERE map = 'public:log'"
        )
        assert state.fetchall() == [("public:log", b"x")]


def test_parquet_is_written(command: Command, ledger: Path, tmp_path: Path) -> None:
    path = tmp_path / "out"
    words = ("--out", path, "--format", "parquet", "--tables", "log", "--json")
    ended = command("ledger", "export", ledger, *words)
    expected = {"output": str(path), "transactions": 10, "writes": 4}
    assert json.loads(ended.out) == expected
    assert pq.read_table(path / "writes.parquet").num_rows == 4


@pytest.mark.parametrize("kind", ["sqlite", "parquet"])
def test_what_is_there_is_not_overwritten(
    command: Command, ledger: Path, kind: str
) -> None:
    ended = command("ledger", "export", ledger, "--out", ledger, "--format", kind)
    assert ended.code == 2
    assert "is there already" in ended.err
    absent = ledger / "absent" / "out"
    ended = command("ledger", "export", ledger, "--out", absent, "--format", kind)
    assert ended.code == 1
    assert "correct the path" in ended.err


def test_a_damaged_ledger_is_told(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    (ledger / "ledger_6-8.committed").write_bytes(b"noise")
    ended = command("ledger", "export", ledger, "--out", tmp_path / "ledger.db")
    assert ended.code == 1
    assert "ledger_6-8.committed is damaged" in ended.err
