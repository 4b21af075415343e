"""The four journeys of docs/ARCHITECTURE.md are short, and the code follows them."""

import gc
import re
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from benchmarks.harness.one_of_three import Backup
from benchmarks.step import opened_node, write_request
from ccfpy.boundary.events import SessionData
from ccfpy.boundary.wire import EFFECTS, EVENTS, HEADER_BYTES
from tests.house.tree import ROOT

STEPS_MAX = 30
"""The greatest number of files in the numbered list of a journey."""
_FILE = re.compile(r"`(ccfpy/[\w/]+\.py)`")


def _texts() -> dict[str, str]:
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    section = page.partition("\n## Four journeys\n")[2].partition("\n## ")[0]
    parts = (part.partition("\n") for part in section.split("\n### ")[1:])
    return {title: text for title, _, text in parts}


def _journeys() -> dict[str, list[str]]:
    return {title: _FILE.findall(text) for title, text in _texts().items()}


def _passed_through(work: Callable[[], object]) -> set[str]:
    """Return the files of ccfpy whose functions are called."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            _, found, file = frame.f_code.co_filename.rpartition("/ccfpy/")
            if found:
                files.add(f"ccfpy/{file}")

    # Garbage of an earlier test is not part of this work.
    gc.collect()
    gc.disable()
    former = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(former)
        gc.enable()
    return {file for file in files if not file.startswith("ccfpy/testing/")}


@pytest.mark.parametrize("title", sorted(_journeys()))
def test_a_journey_names_few_files_and_all_of_them_exist(title: str) -> None:
    files = _journeys()[title]
    assert len(files) > 0
    steps = re.findall(r"(?m)^\d+\. .*(?:\n {3,4}\S.*)*", _texts()[title])
    assert len(_FILE.findall("\n".join(steps))) <= STEPS_MAX
    assert len(set(files)) == len(files)
    assert not [file for file in files if not (ROOT / file).is_file()]


def test_there_are_four_journeys() -> None:
    assert len(_journeys()) == 4


def test_a_write_passes_through_the_files_that_are_listed() -> None:
    node, clients = opened_node()

    def write() -> None:
        client = clients[0]
        data = client.encrypt(write_request())
        frame = EVENTS.encode([SessionData(session=client.session, data=data)])
        events = EVENTS.decode(frame[HEADER_BYTES:])
        passed.update(
            _passed_through(lambda: EFFECTS.encode(node.trusted.step(events)))
        )

    passed: set[str] = set()
    write()  # the first request of a connection fills caches
    passed.clear()
    write()
    assert passed, "nothing was followed"
    listed = set(_journeys()["A private write"])
    assert not passed - listed


def test_entries_on_a_backup_pass_through_the_files_that_are_listed() -> None:
    backup, raw = Backup(), write_request()
    backup.perform(backup.hear(backup.told_of(64, raw)))
    backup.catch_up()
    told = backup.told_of(512, raw)
    assert told, "the primary has sent nothing"
    passed = _passed_through(lambda: backup.hear(told))
    listed = set(_journeys()["Append-entries on a backup"])
    assert not passed - listed
