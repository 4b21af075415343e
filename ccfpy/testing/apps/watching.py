"""An application whose defects are logged in full, and the log that its author reads.

Of an exception that leaves an endpoint a node logs only the kind, because the text may
be private. A test of the endpoint needs to show where the exception came from.

The lines of nodes' logs that concern an author are kept for tests to look into, and go
to Python's own log, where pytest shows them beside a failure.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ccfpy.base.errors import Malformed
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.endpoints.application import Application, Job, JobContext, JobFunction
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Handler
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.pending import Answer
from ccfpy.endpoints.registry import Registry
from ccfpy.http.errors import ApiError
from ccfpy.kv.changes import Conflict
from ccfpy.testing.surroundings import Recorded

_EXPECTED = (ApiError, Conflict, Malformed)
"""Exceptions by which endpoints refuse a request, or report a conflict."""


class Watched:
    """An application that logs its defects with their place."""

    def __init__(self, app: Application) -> None:
        self._app = app

    @property
    def name(self) -> str:
        """The application's name."""
        return self._app.name

    @property
    def body_bytes_max(self) -> int:
        """How long a request's body may be, as the application says."""
        return self._app.body_bytes_max

    def registry(self) -> Registry:
        """Return the application's endpoints, watched."""
        registry = self._app.registry()
        for endpoint in list(registry):
            registry.add(replace(endpoint, handler=_watched(endpoint)))
        if registry.default is not None:
            default = registry.default
            registry.default = replace(default, handler=_watched(default))
        return registry

    def indexes(self) -> Sequence[Index[Any]]:
        """Return the application's indexes."""
        return self._app.indexes()

    def jobs(self) -> Sequence[Job]:
        """Return the application's jobs, watched."""
        return [replace(job, function=_watched_job(job)) for job in self._app.jobs()]

    def protocols(self) -> Mapping[str, Endpoint]:
        """Return the application's protocols, watched."""
        protocols = self._app.protocols()
        return {
            name: replace(protocol, handler=_watched(protocol))
            for name, protocol in protocols.items()
        }

    def create_claims(self, constitution: str) -> bytes | None:
        """Return what the application binds into the first receipt."""
        return self._app.create_claims(constitution)


def _watched(endpoint: Endpoint) -> Handler:
    handler = endpoint.handler

    def watch(context: Context) -> Answer:
        try:
            return handler(context)
        except _EXPECTED:
            raise
        except Exception:
            LOGGER.exception("%s /app%s failed", endpoint.method, endpoint.path)
            raise

    return watch


def _watched_job(job: Job) -> JobFunction:
    function = job.function

    def watch(context: JobContext) -> None:
        try:
            function(context)
        except Conflict:
            raise
        except Exception:
            LOGGER.exception("job %s failed", job.name)
            raise

    return watch


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
