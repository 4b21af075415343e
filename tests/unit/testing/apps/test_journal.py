"""The part of a node's log that concerns the author of an application."""

import logging
from dataclasses import dataclass, field

import pytest

from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.testing.apps.journal import Journal
from ccfpy.testing.surroundings import Recorded


@dataclass
class Node:
    """As much of a node as has a log."""

    host: Recorded = field(default_factory=Recorded)


def test_lines_are_given_once_and_some_are_passed_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    node = Node()
    journal = Journal([node])
    info, fail = LogLevel.INFO, LogLevel.FAIL
    node.host.logs += [
        WriteLog(level=info, message="hello", tag=LogTag.APP),
        WriteLog(level=info, message="executed", tag=LogTag.JS),
        WriteLog(level=info, message="refused", tag=LogTag.GOV),
        WriteLog(level=info, message="became primary"),
        WriteLog(level=fail, message="disk full"),
    ]
    assert journal.take() == ["hello"]
    assert journal.take() == []
    node.host.logs.append(
        WriteLog(level=LogLevel.DEBUG, message="more", tag=LogTag.APP)
    )
    assert journal.take() == ["more"]
    assert journal.lines == ["hello", "more"]
    assert [(level, text) for _, level, text in caplog.record_tuples] == [
        (logging.INFO, "[app] hello"),
        (logging.INFO, "[gov] refused"),
        (logging.ERROR, "disk full"),
        (logging.DEBUG, "[app] more"),
    ]
