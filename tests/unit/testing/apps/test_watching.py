"""A defect of an application is told where it happened; a refusal is none."""

import logging
from dataclasses import dataclass, field

import pytest

from ccfpy.app import App, Context, JobContext, Stream
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.kv.changes import Conflict
from ccfpy.testing.apps import Service
from ccfpy.testing.apps.watching import Journal, Watched
from ccfpy.testing.surroundings import Recorded
from tests.unit.endpoints.world import StoreNode, context_of
from tests.unit.testing.apps.conftest import app


def test_a_defect_is_logged_with_its_traceback(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    answer = service.anybody.get("/app/defect")
    assert (answer.status, answer.error) == (500, "InternalError")
    (line,) = answer.logged
    assert line.startswith("Unhandled KeyError in GET /app/defect (id ")
    assert "raise KeyError" in caplog.text
    assert "no such thing" in caplog.text


def test_a_refusal_is_not(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    assert service.anybody.get("/app/notes/1").status == 405
    assert service.anybody.get("/app/tx?transaction_id=x").status == 400
    assert "Traceback" not in caplog.text


def test_it_is_the_same_application() -> None:
    watched = Watched(app)
    assert watched.name == app.name
    assert [(e.method, e.path) for e in watched.registry()] == [
        (e.method, e.path) for e in app.registry()
    ]
    assert watched.indexes() == app.indexes()
    assert watched.create_claims("") is None
    assert dict(watched.protocols()) == {}


def test_a_protocol_is_watched_too(caplog: pytest.LogCaptureFixture) -> None:
    failing = App("failing")

    @failing.protocol("LINES")
    class Failing(Stream):
        def __init__(self) -> None:
            raise KeyError("no such thing")

    (protocol,) = Watched(failing).protocols().values()
    with pytest.raises(KeyError):
        protocol.handler(context_of(StoreNode()))
    assert "PROTOCOL /app/LINES failed" in caplog.text


def test_a_job_that_fails_is_logged_and_a_conflict_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing, errors = App("failing"), [KeyError("no such thing"), Conflict("again")]

    @failing.every(1000)
    def fail(_: JobContext) -> None:
        raise errors.pop(0)

    (job,) = Watched(failing).jobs()
    nothing = JobContext(None, None)  # type: ignore[arg-type]  # the job looks at neither
    with pytest.raises(KeyError):
        job.function(nothing)
    assert "job fail failed" in caplog.text
    caplog.clear()
    with pytest.raises(Conflict):
        job.function(nothing)
    assert caplog.text == ""


def test_a_default_endpoint_is_watched_too(caplog: pytest.LogCaptureFixture) -> None:
    failing = App("failing")

    @failing.default_endpoint()
    def fail(_: Context) -> None:
        raise KeyError("no such thing")

    default = Watched(failing).registry().default
    assert default is not None
    with pytest.raises(KeyError):
        default.handler(context_of(StoreNode()))
    assert "no such thing" in caplog.text


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
