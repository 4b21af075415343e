"""Log lines, in the two layouts that tools search."""

import errno
import io
import json
import os
import re
import threading
import time
from io import FileIO
from select import PIPE_BUF
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.limits import LOG_WAIT_MS
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.host import log
from ccfpy.host.log import Journal, LogFormat, json_line, text_line, timestamp

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NOW = 1_700_000_000_000_042
LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z        (?P<thread>.{3}) "
    r"(?P<preamble>.{45})\| (?P<message>.*)\n"
)


def _log(
    message: str = "hello",
    level: LogLevel = LogLevel.INFO,
    tag: LogTag = LogTag.NONE,
    file: str = "node",
) -> WriteLog:
    return WriteLog(level=level, message=message, tag=tag, file=file, line=12)


def test_a_time_has_microseconds() -> None:
    assert timestamp(NOW) == "2023-11-14T22:13:20.000042Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("log", "preamble"),
    [
        (_log(), "[info ] node:12 "),
        (_log(level=LogLevel.FAIL, tag=LogTag.JS), "[fail ][js] node:12 "),
        (_log(level=LogLevel.FATAL, tag=LogTag.APP), "[fatal][app] node:12 "),
        (_log(level=LogLevel.TRACE, tag=LogTag.GOV), "[trace][gov] node:12 "),
        (
            _log(file="a/very/long/name/of/a/file/in/a/deep/folder/node"),
            "[info ] e/of/a/file/in/a/deep/folder/node:12 ",
        ),
    ],
)
def test_a_text_line_is_in_columns(log: WriteLog, preamble: str) -> None:
    match = LINE.fullmatch(text_line(log, thread=100, unix_us=NOW))
    assert match is not None
    assert match["thread"] == "100"
    assert match["preamble"].rstrip() == preamble.rstrip()
    assert match["message"] == "hello"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\x1b[31mred", r"a\x1b[31mred"),
        ("kept\rforged", r"kept\rforged"),
        ("\x00\x7f\x9b2J", r"\x00\x7f\x9b2J"),
        ("pay\u202eecila", r"pay\u202eecila"),
        ("hid\u200bden\U000e0041", r"hid\u200bden\U000e0041"),
        ("no text \udc80", r"no text \udc80"),
        ("a tab\tand grüße, 東京", "a tab\tand grüße, 東京"),
        ("one\ntwo\r\nthree", "one\n    two\n    three"),
    ],
)
def test_a_terminal_obeys_nothing_in_a_message(message: str, shown: str) -> None:
    line = text_line(_log(message), thread=0, unix_us=NOW)
    assert line.partition("| ")[2] == f"{shown}\n"
    stream, last_resort = io.BytesIO(), io.BytesIO()
    Journal(stream, last_resort=last_resort).defect(ValueError("x"), file="host")
    stream.close()
    Journal(stream, last_resort=last_resort).fatal(message, file="host")
    assert last_resort.getvalue().decode().endswith(f"\n{shown}\n")
    written = json_line(_log(message), thread=0, unix_us=NOW)
    assert all(each.isprintable() for each in written[:-1])
    read = json.loads(written)["msg"]
    assert read == message.encode(errors="backslashreplace").decode()


def test_a_message_with_line_breaks_forges_no_line() -> None:
    real = text_line(_log("real"), thread=0, unix_us=NOW)
    forged = text_line(_log(f"begun\n{real}"), thread=0, unix_us=NOW)
    begin = [line for line in forged.splitlines() if line.startswith("2023-")]
    assert len(begin) == 1


def test_a_metrics_line_is_found_as_tools_look_for_it() -> None:
    message = (
        "JS execution complete: Method=GET, Path=/app/echo/{foo}, Status=200, "
        "ExecMilliseconds=3"
    )
    line = text_line(_log(message, tag=LogTag.JS), thread=0, unix_us=NOW)
    assert re.match(r".*\[js\].*\| JS execution complete: Method=GET", line)
    assert "[info ][js]" in line


def test_a_json_line_has_its_keys_in_order() -> None:
    line = json_line(_log('say "hi"\n', tag=LogTag.APP), thread=0, unix_us=NOW)
    assert line == (
        '{"h_ts":"2023-11-14T22:13:20.000042Z","thread_id":"0","level":"info",'
        '"tag":"app","file":"node","number":"12","msg":"say \\"hi\\"\\n"}\n'
    )
    assert json.loads(line)["msg"] == 'say "hi"\n'


def test_a_step_of_consensus_is_a_part_of_its_json_line() -> None:
    log = _log('{"function":"commit"}', tag=LogTag.RAFT_TRACE)
    line = json.loads(json_line(log, thread=0, unix_us=NOW))
    assert (line["tag"], line["msg"]) == ("raft_trace", {"function": "commit"})
    assert text_line(log, thread=0, unix_us=NOW).endswith('| {"function":"commit"}\n')


@pytest.mark.parametrize("least", list(LogLevel))
def test_lines_below_the_level_are_left_out(least: LogLevel) -> None:
    stream = io.BytesIO()
    journal = Journal(stream, level=least)
    journal.write_all([_log(level=level) for level in LogLevel])
    levels = list(LogLevel)
    written = stream.getvalue().decode().splitlines()
    assert len(written) == len(levels) - levels.index(least)


def test_the_host_speaks_at_each_level() -> None:
    stream = io.BytesIO()
    journal = Journal(stream, level=LogLevel.DEBUG, form=LogFormat.JSON)
    for speak in (journal.debug, journal.info, journal.fail, journal.fatal):
        speak("x", file="here")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines] == ["debug", "info", "fail", "fatal"]
    assert {line["thread_id"] for line in lines} == {"100"}


def test_text_that_is_no_unicode_is_written_all_the_same() -> None:
    stream = io.BytesIO()
    Journal(stream).info("half \ud800 a pair", file="x")
    assert b"half \\ud800 a pair" in stream.getvalue()


def test_a_json_line_too() -> None:
    stream = io.BytesIO()
    Journal(stream, form=LogFormat.JSON).info("half \ud800 a pair", file="x")
    assert json.loads(stream.getvalue())["msg"] == "half \\ud800 a pair"


class _Stream(io.BytesIO):
    """Takes so many bytes, and then refuses or takes nothing."""

    def __init__(self, room: int, error: Exception | None = None) -> None:
        super().__init__()
        self.room = room
        self.error = error

    def write(self, data: "ReadableBuffer", /) -> int:
        taken = bytes(data)[: self.room]
        self.room -= len(taken)
        if not taken and self.error is not None:
            raise self.error
        return super().write(taken)


FULL = OSError(errno.ENOSPC, "No space left on device")
REFUSALS: dict[str, tuple[Exception | None, str]] = {
    "full": (FULL, "no space left on device"),
    "failing": (OSError(errno.EIO, "Input/output error"), "input/output error"),
    "reader gone": (BrokenPipeError(errno.EPIPE, "Broken pipe"), "broken pipe"),
    "closed": (ValueError("I/O operation on closed file"), "it is closed"),
    "would block": (None, "its reader is too slow"),
}
ROOMY = 1 << 20


def _lines(text: bytes) -> list[str]:
    return [line.partition("| ")[2] for line in text.decode().splitlines()]


@pytest.mark.parametrize("name", REFUSALS)
def test_lines_that_are_not_taken_are_counted_and_told_later(name: str) -> None:
    error, why = REFUSALS[name]
    stream = _Stream(0, error)
    journal = Journal(stream)
    assert not journal.write_all([_log("one"), _log("two")])
    assert not journal.log(LogLevel.FAIL, "three", file="x")
    assert journal.dropped == 3
    assert journal.counts[LogLevel.INFO] == 2
    stream.room = ROOMY
    assert journal.log(LogLevel.INFO, "four", file="x")
    assert journal.log(LogLevel.INFO, "five", file="x")
    assert journal.dropped == 3
    notice = f"3 lines of this log are lost: {why}"
    assert _lines(stream.getvalue()) == [notice, "four", "five"]


@pytest.mark.parametrize("room", range(240))
def test_a_line_that_is_taken_in_part_spoils_no_other(room: int) -> None:
    stream = _Stream(room, FULL)
    journal = Journal(stream)
    written = journal.write_all([_log("one"), _log("two")])
    again = journal.log(LogLevel.INFO, "three", file="x")
    whole = _lines(stream.getvalue()[: stream.getvalue().rfind(b"\n") + 1])
    assert journal.dropped == 3 - len(set(whole) & {"one", "two", "three"})
    assert written is ("two" in whole)
    assert again is ("three" in whole)
    stream.room = ROOMY
    assert journal.log(LogLevel.INFO, "four", file="x")
    *before, last = _lines(stream.getvalue())
    assert before[: len(whole)] == whole
    assert last == "four"
    if journal.dropped:
        assert re.fullmatch(r"[123] lines of this log are lost: .*", before[-1])


def test_why_a_node_ends_is_told_by_another_way_if_the_log_is_lost() -> None:
    last = io.BytesIO()
    Journal(io.BytesIO(), last_resort=last).fatal("in the log", file="x")
    Journal(_Stream(0, FULL), last_resort=last).fatal("without a log", file="x")
    Journal(_Stream(0, FULL), last_resort=_Stream(0, FULL)).fatal("lost", file="x")
    Journal(_Stream(0, FULL)).fatal("lost, too", file="x")
    assert last.getvalue() == b"without a log\n"


def test_a_defect_is_told_by_both_ways_with_its_place() -> None:
    stream, last = io.BytesIO(), io.BytesIO()
    try:
        int("x")
    except ValueError as error:
        Journal(stream, last_resort=last).defect(error, file="x")
    told = last.getvalue().decode()
    assert re.fullmatch(
        r"Exception in the host: ValueError\(.*\) at test_\w+:\d+\n", told
    )
    assert _lines(stream.getvalue()) == [told.rstrip()]


@pytest.mark.parametrize("size", [1, PIPE_BUF, PIPE_BUF + 1, 1 << 17])
def test_a_reader_that_does_not_read_is_waited_for_once(size: int) -> None:
    reading, writing = os.pipe()
    with FileIO(reading) as reader, FileIO(writing, "wb") as stream:
        journal = Journal(stream)
        while journal.log(LogLevel.INFO, "x" * size, file="x"):
            pass
        began = time.monotonic()
        for _ in range(200):
            journal.info("x" * size, file="x")
        assert time.monotonic() - began < 200 * LOG_WAIT_MS / 1000 / 2
        assert journal.dropped == 201
        os.set_blocking(reading, False)
        seen = reader.readall() or b""
        assert journal.log(LogLevel.INFO, "again", file="x")
        seen += reader.readall() or b""
    whole = [line for line in _lines(seen) if line == "x" * size]
    assert len(whole) == journal.counts[LogLevel.INFO] - 202
    assert _lines(seen)[-2:] == [
        "201 lines of this log are lost: its reader is too slow",
        "again",
    ]


def test_a_reader_that_is_a_little_late_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log, "LOG_WAIT_MS", 60_000)
    reading, writing = os.pipe()
    seen = bytearray()

    def read() -> None:
        time.sleep(0.01)
        while data := os.read(reading, 1 << 16):
            seen.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    with FileIO(reading):
        with FileIO(writing, "wb") as stream:
            journal = Journal(stream)
            assert journal.log(LogLevel.INFO, "x" * (1 << 17), file="x")
        thread.join()
    assert len(seen) > 1 << 17


def test_threads_may_write_at_once() -> None:
    stream = _Stream(0, FULL)
    journal = Journal(stream)

    def write() -> None:
        for _ in range(200):
            journal.info("x", file="x")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.dropped == 800
