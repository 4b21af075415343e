"""The order of one step's effects."""

from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import (
    AppendEntries,
    LedgerEntry,
    Log,
    LogLevel,
    LogTag,
    SendData,
)
from ccfpy.node.outbox import Outbox

REPLY = SendData(session=SessionId(1), data=b"reply")


def test_entries_are_one_write_ahead_of_the_reply_that_reports_them() -> None:
    outbox = Outbox()
    outbox.entry(5, LedgerEntry(data=b"a"))
    outbox.entry(6, LedgerEntry(data=b"b"))
    outbox.put(REPLY)
    outbox.entry(7, LedgerEntry(data=b"c"))
    assert outbox.take() == [
        AppendEntries(
            first_seqno=5, entries=(LedgerEntry(data=b"a"), LedgerEntry(data=b"b"))
        ),
        REPLY,
        AppendEntries(first_seqno=7, entries=(LedgerEntry(data=b"c"),)),
    ]
    assert outbox.take() == []


def test_log_lines_carry_their_level_and_tag() -> None:
    outbox = Outbox()
    outbox.info("hello", tag=LogTag.GOV)
    outbox.fail("oh")
    assert outbox.take() == [
        Log(level=LogLevel.INFO, message="hello", tag=LogTag.GOV),
        Log(level=LogLevel.FAIL, message="oh"),
    ]
