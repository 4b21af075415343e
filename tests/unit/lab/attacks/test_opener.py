"""The app that keeps a way out does: what it is told is in its mapping."""

from pathlib import Path

from ccfpy.testing.apps.service import Service
from tests.lab.attacks import opener


def test_what_it_is_told_lands_in_the_mapping() -> None:
    service = Service.open(Path(opener.__file__))
    assert service.stranger().get("/tell/canary").status == 200
    assert len(opener.OUT) == opener.SIZE_BYTES
