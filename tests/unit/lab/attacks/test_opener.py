"""The app that keeps a way out does: what it is told is in its mapping."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ccfpy.testing.apps.service import Service
from tests.lab.attacks import opener


def test_what_it_is_told_lands_in_the_mapping() -> None:
    service = Service.open(Path(opener.__file__))
    assert service.stranger().get("/tell/canary").status == 200
    assert len(opener.OUT) == opener.SIZE_BYTES


def test_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers of a parallel run import the app at the same time."""
    monkeypatch.setattr(opener, "IS_DESCRIPTOR", False)
    with ThreadPoolExecutor(8) as pool:
        for made in [pool.submit(opener.keep_way_out) for _ in range(200)]:
            made.result().close()
