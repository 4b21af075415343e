"""The lines of nodes' logs that concern an application's author.

The lines are kept for tests to look into, and go to Python's own log, where pytest
shows them beside a failure.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.testing.surroundings import Recorded

LOGGER = logging.getLogger("ccfpy.testing")
LOGGER.setLevel(logging.DEBUG)
_LEVELS = {
    LogLevel.TRACE: logging.DEBUG,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.FAIL: logging.ERROR,
    LogLevel.FATAL: logging.CRITICAL,
}
_ALWAYS = (LogLevel.FAIL, LogLevel.FATAL)
"""Levels at which a line is kept, whatever part of the node wrote it."""


class Logging(Protocol):
    """A node, as far as it has a log."""

    @property
    def host(self) -> Recorded:
        """What its host was given."""
        ...


class Journal:
    """The logs of nodes, read as they grow.

    Attributes:
        lines: what the application and its scripts wrote.
    """

    def __init__(self, nodes: Sequence[Logging]) -> None:
        self.lines: list[str] = []
        self._nodes = nodes
        self._read: dict[int, int] = {}

    def take(self) -> Sequence[str]:
        """Return what the application wrote since the last call."""
        begin = len(self.lines)
        for number, node in enumerate(self._nodes):
            logs = node.host.logs
            for log in logs[self._read.get(number, 0) :]:
                self._note(log, number)
            self._read[number] = len(logs)
        return self.lines[begin:]

    def _note(self, log: WriteLog, number: int) -> None:
        if log.tag is LogTag.APP:
            self.lines.append(log.message)
        elif log.tag is not LogTag.GOV and log.level not in _ALWAYS:
            return
        logger = LOGGER.getChild(f"node{number}")
        prefix = f"[{log.tag}] " if log.tag is not LogTag.NONE else ""
        logger.log(_LEVELS[log.level], "%s%s", prefix, log.message)
