"""Folders are inspected, and again when they change; damage is never passed over."""

import threading
from pathlib import Path
from typing import Self

import pytest

from ccfpy.console import folders
from ccfpy.console.folders import Lost
from ccfpy.console.ledger_answers import LostView
from tests.unit.audit.made import written
from tests.unit.ledger.made import small_ledger

DEADLINE_S = 30.0


class Watched:
    """A console's look at folders, in a thread."""

    def __init__(self, *folders: Path) -> None:
        self.views: list[LostView] = []
        self._stop, self._changed = threading.Event(), threading.Condition()
        follow = Lost(folders=folders, processes=1).follow
        self._thread = threading.Thread(target=follow, args=(self._take, self._stop))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)

    def _take(self, view: LostView) -> None:
        with self._changed:
            self.views.append(view)
            self._changed.notify()

    def see(self, words: str) -> LostView:
        """Wait for a headline with these words."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.views and words in self.views[-1].headline, DEADLINE_S
            )
            return self.views[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "INSPECT_EACH_S", 0.01)


def test_folders_are_inspected_and_damage_is_seen(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "what is left")
    with Watched(tmp_path) as watched:
        whole = watched.see("everything that was signed can be restored")
        assert whole.report is not None
        (service,) = whole.report.services
        assert whole.commands == (
            f"ccfpy recover {tmp_path} --service {service.service[:16]} --app APP",
        )
        assert watched.views[0].headline.startswith("reading: 0 of ")
        last = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        data = bytearray(last.read_bytes())
        data[len(data) // 2] ^= 1
        last.write_bytes(data + b"\0")
        damaged = watched.see("is lost, or may be lost")
        assert damaged.report is not None
        assert not damaged.report.is_whole


def test_nothing_is_restored_from_noise(tmp_path: Path) -> None:
    (tmp_path / "ledger_1-2.committed").write_bytes(b"noise")
    with Watched(tmp_path) as watched:
        seen = watched.see("nothing can be restored")
        assert seen.commands == ()


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with Watched(tmp_path / "gone") as watched:
        assert "gone" in watched.see("could not be read").trouble


def test_a_folder_in_which_somebody_writes_is_of_no_lost_service(
    tmp_path: Path,
) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    with max(folder.iterdir()).open("ab"), Watched(tmp_path) as watched:
        seen = watched.see("can be restored")
        assert "it is not lost" in seen.trouble
