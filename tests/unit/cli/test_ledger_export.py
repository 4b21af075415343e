import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ccfpy.base.errors import Malformed
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.ledger_export import split_chunk
from ccfpy.ledger.chunk import Chunk, ChunkName
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


@pytest.fixture
def chunk(ccf_services: Path) -> Path:
    """A complete, committed chunk: 15 to 46."""
    folder = ccf_services / "cose_flipflop_service" / "ledger"
    return folder / "ledger_15-46.committed"


def _entries(*paths: Path) -> list[bytes]:
    return [
        data
        for path in paths
        for _, _, data in Chunk.parse(
            ChunkName.parse(path.name), path.read_bytes()
        ).entries()
    ]


@pytest.mark.parametrize("seqno", [15, 16, 30, 45])
def test_the_parts_hold_the_same_entries(
    chunk: Path, tmp_path: Path, seqno: int
) -> None:
    first, second = split_chunk(chunk, seqno, tmp_path, allow_non_signature=True)
    assert first.name == f"ledger_15-{seqno}.committed"
    assert second.name == f"ledger_{seqno + 1}-46.committed"
    assert _entries(first, second) == _entries(chunk)
    assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name}


def test_an_open_chunk_leaves_its_second_part_open(chunk: Path, tmp_path: Path) -> None:
    opened = tmp_path / "ledger_15"
    whole = Chunk.parse(ChunkName.parse(chunk.name), chunk.read_bytes())
    opened.write_bytes(bytes(8) + whole.data[8 : whole.end])
    first, second = split_chunk(
        opened, 20, tmp_path / "parts", allow_non_signature=True
    )
    assert (first.name, second.name) == ("ledger_15-20", "ledger_21")
    assert _entries(first, second) == _entries(chunk)


@pytest.mark.parametrize("seqno", [1, 14, 46, 47])
def test_a_seqno_that_leaves_one_part_empty_is_refused(
    chunk: Path, tmp_path: Path, seqno: int
) -> None:
    with pytest.raises(Misused, match="from 15 to 45"):
        split_chunk(chunk, seqno, tmp_path, allow_non_signature=True)
    assert not list(tmp_path.iterdir())


def test_the_first_part_ends_with_a_signature_unless_told_otherwise(
    chunk: Path, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed, match="17 is not a signature: split at 18 or"):
        split_chunk(chunk, 17, tmp_path, allow_non_signature=False)
    with pytest.raises(CommandFailed, match="45 is not a signature: give"):
        split_chunk(chunk, 45, tmp_path, allow_non_signature=False)
    assert not list(tmp_path.iterdir())
    split_chunk(chunk, 20, tmp_path, allow_non_signature=False)


def test_a_damaged_file_is_not_split(chunk: Path, tmp_path: Path) -> None:
    damaged = tmp_path / chunk.name
    damaged.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(Malformed):
        split_chunk(damaged, 20, tmp_path / "parts", allow_non_signature=True)
