"""The order of one step's effects."""

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import (
    AppendLedger,
    CloseSession,
    LogLevel,
    LogTag,
    SendData,
    Stop,
    TruncateLedger,
    WriteLog,
)
from ccfpy.boundary.wire import EFFECTS
from ccfpy.node.outbox import Outbox

REPLY = SendData(session=SessionId(1), data=b"reply")


def _entries(first: int, *data: bytes) -> AppendLedger:
    return AppendLedger(first_seqno=first, entries=data)


def test_entries_are_one_write_ahead_of_the_replies_that_report_them() -> None:
    outbox = Outbox()
    outbox.entry(5, b"a")
    outbox.put(REPLY)
    outbox.entry(6, b"b")
    outbox.put(REPLY)
    outbox.put(CloseSession(session=SessionId(1)))
    assert outbox.take() == [
        _entries(5, b"a", b"b"),
        REPLY,
        REPLY,
        CloseSession(session=SessionId(1)),
    ]
    assert outbox.take() == []


def test_many_bytes_of_entries_are_several_writes_ahead_of_the_replies() -> None:
    half = bytes(limits.APPEND_BYTES_MAX // 2)
    outbox = Outbox()
    for seqno, data in enumerate((half, half, b"c", 3 * half, b"e"), start=5):
        outbox.entry(seqno, data)
        outbox.put(REPLY)
    assert outbox.take() == [
        _entries(5, half, half),
        _entries(7, b"c"),
        _entries(8, 3 * half),
        _entries(9, b"e"),
        *[REPLY] * 5,
    ]


def test_what_else_is_asked_keeps_its_place_among_entries_and_replies() -> None:
    outbox = Outbox()
    outbox.entry(5, b"a")
    outbox.put(REPLY)
    outbox.put(TruncateLedger(seqno=4))
    outbox.entry(5, b"b")
    outbox.put(Stop(exit_code=0, reason="asked"))
    assert outbox.take() == [
        _entries(5, b"a"),
        REPLY,
        TruncateLedger(seqno=4),
        _entries(5, b"b"),
        Stop(exit_code=0, reason="asked"),
    ]


def test_log_lines_carry_their_level_and_tag() -> None:
    outbox = Outbox()
    outbox.info("hello", tag=LogTag.GOV)
    outbox.fail("oh")
    assert outbox.take() == [
        WriteLog(level=LogLevel.INFO, message="hello", tag=LogTag.GOV),
        WriteLog(level=LogLevel.FAIL, message="oh"),
    ]


def test_a_log_line_is_one_line_whatever_a_client_put_into_it() -> None:
    outbox = Outbox()
    outbox.info("'a\r\n2026-01-01 [fatal] \x1b[31mforged\u2028' in \u00e9t\u00e9\t!")
    (log,) = outbox.take()
    assert isinstance(log, WriteLog)
    assert log.message == (r"'a\r\n2026-01-01 [fatal] \x1b[31mforged\u2028' in été\t!")


@pytest.mark.slow
def test_a_log_line_has_a_length_that_a_frame_can_hold() -> None:
    outbox = Outbox()
    outbox.info("\n" * (limits.LOG_MESSAGE_CHARS_MAX + 1))
    (log,) = outbox.take()
    assert isinstance(log, WriteLog)
    assert len(log.message) == 2 * limits.LOG_MESSAGE_CHARS_MAX
    assert EFFECTS.encode([log])


def test_entries_that_are_owed_are_asked_for_before_replies_and_what_else_follows() -> (
    None
):
    outbox = Outbox()
    owed = [b"a", b"b"]

    def settle() -> None:
        for data in owed:
            outbox.entry(5, data)
        owed.clear()

    outbox.settle_by(settle)
    outbox.put(REPLY)
    outbox.put(TruncateLedger(seqno=6))
    owed.append(b"c")
    outbox.put(REPLY)
    assert outbox.take() == [
        _entries(5, b"a", b"b"),
        REPLY,
        TruncateLedger(seqno=6),
        _entries(5, b"c"),
        REPLY,
    ]


def test_a_run_of_entries_ends_where_a_chunk_does() -> None:
    outbox = Outbox()
    outbox.entry(5, b"a")
    outbox.begin_chunk()
    outbox.entry(6, b"b")
    outbox.entry(7, b"c", is_committable=True)
    outbox.end_chunk()
    outbox.entry(8, b"d", is_committable=True)
    outbox.entry(9, b"e")
    assert outbox.take() == [
        AppendLedger(5, (b"a",)),
        AppendLedger(6, (b"b", b"c"), True, True, True),
        AppendLedger(8, (b"d", b"e"), True),
    ]
    outbox.entry(10, b"f")
    assert outbox.take() == [_entries(10, b"f")]
