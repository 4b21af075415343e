"""What a ledger holds, for people: never more than they can read at once."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from ccfpy.audit.indexing import IndexWriter
from ccfpy.audit.ledger_index import (
    Coverage,
    IndexedChunk,
    IndexedTransaction,
    Vouched,
    write_id,
)
from ccfpy.console.explorer import (
    ENCRYPTED,
    OF_APP,
    PROPOSALS_INFO,
    ROWS_MAX,
    VALUE_BYTES_MAX,
    WHOLE_BYTES_MAX,
    WORDS,
    Explorer,
    NoSuchTransaction,
    kind_of,
    shown,
)
from ccfpy.kv.maps import Map, Set, Value
from ccfpy.service import tables

MAP = "public:accounts"
KEY = b"\xff\x01"
LAST = ROWS_MAX + 5


@pytest.fixture
def explorer(tmp_path: Path) -> Explorer:
    """A ledger in which each transaction writes one key, and a key of its own."""
    path = tmp_path / "index.db"
    seqnos = range(1, LAST + 1)
    chunk = IndexedChunk(
        first=1,
        file="ledger_1",
        size_bytes=1,
        sha256=b"",
        is_final=False,
        transactions=[
            IndexedTransaction(
                seqno, 2, 10 * seqno, seqno == LAST - 1, 100, 40, None, b"\xaa"
            )
            for seqno in seqnos
        ],
        maps=[MAP],
        writes=[
            write
            for seqno in seqnos
            for write in (
                (write_id(seqno, 0), 0, KEY, b"%d" % seqno if seqno > 1 else None),
                (
                    write_id(seqno, 1),
                    0,
                    b"key %03d" % seqno,
                    b"x" * 10 * VALUE_BYTES_MAX,
                ),
            )
        ],
    )
    with IndexWriter(path) as index:
        index.add(chunk, Vouched(signatures=[LAST - 1]))
        index.finish()
    return Explorer(path)


def test_transactions_come_in_pages(explorer: Explorer) -> None:
    first = explorer.transactions(after=0)
    assert [row.seqno for row in first.rows] == list(range(1, ROWS_MAX + 1))
    assert first.more_after == ROWS_MAX
    rest = explorer.transactions(after=ROWS_MAX)
    assert [row.coverage for row in rest.rows][-2:] == [
        Coverage.VERIFIED,
        Coverage.UNSIGNED,
    ]
    assert rest.rows[-2].is_signature
    assert [row.kind for row in rest.rows][-3:] == [OF_APP, "signature", OF_APP]
    assert rest.more_after is None
    assert explorer.transactions(after=LAST).rows == ()


def test_a_transaction_says_who_vouches_and_what_it_wrote(explorer: Explorer) -> None:
    page = explorer.transaction(2)
    assert (page.row.txid, page.file, page.position) == ("2.2", "ledger_1", 20)
    assert page.covered_by == LAST - 1
    assert page.leaf == "aa"
    first, second = page.writes
    assert (first.map, first.key.text, first.key.hex) == (MAP, "ff01", "ff01")
    assert first.value is not None
    assert first.value.text == "2"
    assert second.value is not None
    assert second.value.is_cut
    assert explorer.transaction(1).writes[0].value is None


@pytest.mark.parametrize("seqno", [0, LAST + 1])
def test_a_transaction_that_is_not_there_is_none(
    explorer: Explorer, seqno: int
) -> None:
    with pytest.raises(NoSuchTransaction):
        explorer.transaction(seqno)


def test_a_vote_leads_to_its_proposal(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    ids, state = [b"ab", b"cd"], b'{"state": "Open"}'
    chunk = IndexedChunk(
        first=1,
        file="ledger_1",
        size_bytes=1,
        sha256=b"",
        is_final=False,
        transactions=[IndexedTransaction(1, 2, 0, False, 10, 0, None, b"")],
        maps=[PROPOSALS_INFO],
        # The second one was closed before, and is forgotten.
        writes=[(write_id(1, 0), 0, ids[0], state), (write_id(1, 1), 0, ids[1], None)],
    )
    with IndexWriter(path) as index:
        index.add(chunk, Vouched())
    page = Explorer(path).transaction(1)
    assert (page.row.kind, page.proposals) == ("vote", ("ab",))


def test_keys_are_found_by_how_they_begin(explorer: Explorer) -> None:
    every = explorer.keys(MAP, b"")
    assert (len(every.keys), every.is_cut) == (ROWS_MAX, True)
    some = explorer.keys(MAP, b"key 00")
    assert [key.text for key in some.keys] == [f"key 00{n}" for n in range(1, 10)]
    assert not some.is_cut
    assert explorer.keys("public:other", b"").keys == ()


def test_a_history_comes_in_pages_the_latest_first(explorer: Explorer) -> None:
    newest = explorer.history(MAP, KEY, before=None)
    assert [row.seqno for row in newest.rows] == list(range(LAST, 5, -1))
    assert newest.more_before == 6
    oldest = explorer.history(MAP, KEY, before=newest.more_before)
    assert [row.value and row.value.text for row in oldest.rows] == [*"5432", None]
    assert oldest.more_before is None


def test_a_long_value_is_shown_by_a_question_of_its_own(explorer: Explorer) -> None:
    value = explorer.value(MAP, b"key 003", 3)
    assert (value.text, value.is_cut) == ("x" * 10 * VALUE_BYTES_MAX, False)
    for key, seqno in ((b"key 003", 4), (KEY, 1), (b"other", 3)):
        with pytest.raises(NoSuchTransaction):
            explorer.value(MAP, key, seqno)


@pytest.mark.parametrize("most", [VALUE_BYTES_MAX, WHOLE_BYTES_MAX])
def test_so_many_bytes_are_shown_and_no_more(most: int) -> None:
    assert not shown(b"x" * most, most=most).is_cut
    cut = shown(b"x" * (most + 1), most=most)
    assert (cut.is_cut, cut.size, len(cut.text)) == (True, most + 1, most)


def test_bytes_are_text_if_they_are_text() -> None:
    assert shown("é\u202e".encode()).text == "é⟦U+202E⟧"
    assert shown(b"\xff\x00").text == "ff00"
    assert shown("é".encode() * 3, most=5).text == "éé"


GOV = "public:ccf.gov"


def test_every_table_of_a_service_has_a_word() -> None:
    names = set()
    for module in pkgutil.iter_modules(tables.__path__):
        members = vars(importlib.import_module(f"{tables.__name__}.{module.name}"))
        names |= {
            table.name
            for table in members.values()
            if isinstance(table, Map | Value | Set)
        }
    assert names == WORDS.keys()


@pytest.mark.parametrize(
    ("tables", "info", "kind"),
    [
        (["proposals", "proposals_info", "cose_history"], b"", "proposal"),
        (["proposals_info"], b'{"state": "Open"}', "vote"),
        (["proposals_info"], b'{"state": "Withdrawn"}', "withdrawal"),
        (["proposals_info"], b"no JSON", "vote"),
        (["modules", "endpoints", "proposals_info"], b"{}", "vote, app"),
        (["members.acks", "members.info"], b"", "acknowledged, members"),
        (["service.info"], b"", "service"),
        (["service.info", "constitution", "nodes.info"], b"", "service created"),
    ],
)
def test_the_tables_say_what_a_transaction_is_about(
    tables: list[str], info: bytes, kind: str
) -> None:
    written = dict.fromkeys((f"{GOV}.{name}" for name in tables), True)
    assert kind_of(written, infos=[info], has_private=True) == kind


def test_what_was_tidied_says_nothing_beside_what_was_written() -> None:
    """A vote that decides removes the bodies of proposals that were closed before."""
    written = {f"{GOV}.proposals": False, f"{GOV}.proposals_info": True}
    assert kind_of(written, infos=[b"{}"], has_private=False) == "vote"
    alone = {f"{GOV}.users.certs": False}
    assert kind_of(alone, infos=[], has_private=False) == "users"


@pytest.mark.parametrize(
    ("written", "has_private", "kind"),
    [
        ({"public:accounts": True}, True, OF_APP),
        ({}, True, ENCRYPTED),
        ({}, False, ""),
        ({"public:ccf.internal.signatures": True}, False, "signature"),
    ],
)
def test_what_an_app_wrote_is_told_from_what_nobody_wrote(
    written: dict[str, bool], has_private: bool, kind: str
) -> None:
    assert kind_of(written, infos=[], has_private=has_private) == kind
