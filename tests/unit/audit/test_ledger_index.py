"""Questions to the database of a ledger, and what is refused as none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccfpy.audit.indexing import IndexWriter
from ccfpy.audit.ledger_index import LedgerIndex, Vouched, write_id
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from tests.unit.audit.test_index_writer import MAP, chunk, words


def test_it_says_which_maps_were_written_and_with_which_values(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "index.db") as index:
        index.add(chunk(1, 2, k=b"v", gone=None), Vouched())
        index.add(chunk(3, 3, gone=None), Vouched())
        index.add(chunk(4, 5, k=b"w"), Vouched())
        assert index.tables_written(1, 3) == {1: {MAP: True}, 3: {MAP: False}}
        assert list(index.values(MAP, 1, 4)) == [(1, b"k", b"v"), (4, b"k", b"w")]
        assert list(index.values(MAP, 2, 3)) == []
        assert list(index.values("public:other", 1, 4)) == []


def test_keys_and_their_histories_are_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with IndexWriter(path) as index:
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


def test_a_reader_sees_one_moment_while_the_index_changes(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with IndexWriter(path) as writer:
        writer.add(chunk(1, 2, k=b"v"), Vouched(signatures=[2]))
        with LedgerIndex(path) as early:
            before = words(early)
            writer.clear()
            writer.add(chunk(1, 1, other=b"v"), Vouched())
            assert words(early) == before
            assert early.keys(MAP) == [b"k"]
        with LedgerIndex(path) as late:
            assert words(late) == words(writer) != before
            assert late.keys(MAP) == [b"other"]


def test_an_index_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with pytest.raises(Malformed, match="no index of a ledger"):
        LedgerIndex(path)
    assert not path.exists()


@pytest.mark.parametrize("opened", [LedgerIndex, IndexWriter])
def test_another_file_is_refused_and_kept(
    tmp_path: Path, opened: type[LedgerIndex]
) -> None:
    text, other = tmp_path / "notes", tmp_path / "other.db"
    text.write_bytes(b"mine" * 100)
    with pytest.raises(Malformed, match="no index of a ledger"):
        opened(text)
    assert text.read_bytes() == b"mine" * 100
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB)")
        database.execute("CREATE TABLE maps (name, id)")
    with pytest.raises(Malformed, match="or an older one"):
        opened(other)
