"""The app under attack serves honest users, and fails as it should."""

from pathlib import Path

from ccfpy.testing.apps.service import Service
from tests.lab.attacks import app as attacked
from tests.lab.attacks.app import Note


def test_notes_are_kept() -> None:
    service = Service.open(Path(attacked.__file__))
    user = service.user()
    assert user.get("/notes/a").json() == ""
    user.put("/notes/a", {"text": "x"}).raise_for_error()
    assert user.get("/notes/a").json() == "x"
    assert Note(text="x").text == "x"


def test_a_failing_handler_fails_with_a_private_value() -> None:
    service = Service.open(Path(attacked.__file__))
    service.user().request("PUT", "/notes/a", {"text": "x"}).raise_for_error()
    assert service.stranger().get("/hostile/raise/a").status >= 500


def test_bad_handlers_are_large_enough() -> None:
    assert attacked.HUGE_COUNT > 100_000_000
    assert attacked.SLEEP_S > 5
    assert attacked.WAIT_S * 1000 < attacked.WAIT_MS_MAX
    assert attacked.DEEP_COUNT > 10_000
