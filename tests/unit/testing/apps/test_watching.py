"""A defect of an application is told where it happened; a refusal is none."""

import pytest

from ccfpy.testing.apps import Service
from ccfpy.testing.apps.watching import Watched
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
