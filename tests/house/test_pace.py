"""Every slow test is marked slow, and no other test is."""

import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT
from tests.pace import (
    CPU_SECONDS_MAX,
    NEWEST,
    PROCESSES,
    QUICK,
    too_slow,
)

PLUGIN = """
from tests import pace
from tests.pace import pytest_collection_modifyitems, pytest_runtest_call

pace.CPU_SECONDS_MAX = {bound}
"""
TESTS = """
import pytest

def test_unmarked():
    sum(range(100_000))

@pytest.mark.slow
def test_marked():
    sum(range(100_000))

@pytest.mark.newest
def test_for_the_newest_python():
    sum(range(100_000))
"""


def test_a_quick_test_may_take_the_bound_and_no_more() -> None:
    assert too_slow("test_x", CPU_SECONDS_MAX, slow=False) is None
    reason = too_slow("test_x", CPU_SECONDS_MAX + 0.1, slow=False)
    assert reason is not None
    assert "test_x took 4.1 s" in reason
    assert "@pytest.mark.slow" in reason


def test_a_slow_test_may_take_longer() -> None:
    assert too_slow("test_x", 100 * CPU_SECONDS_MAX, slow=True) is None


def _outcome(folder: Path, bound: float, *options: str) -> str:
    (folder / "conftest.py").write_text(PLUGIN.format(bound=bound))
    (folder / "test_two.py").write_text(TESTS)
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n slow: it is\n newest: too\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, *options, "--rootdir", folder, "-c", folder / "pytest.ini", folder],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return ended.stdout


def test_a_quick_run_fails_for_a_test_above_the_bound(tmp_path: Path) -> None:
    assert "1 passed, 2 deselected" in _outcome(tmp_path, 60, "-m", QUICK)
    failed = _outcome(tmp_path, -1, "-m", QUICK)
    assert "1 failed, 2 deselected" in failed
    assert "test_unmarked took" in failed


def test_a_whole_run_fails_for_no_pace(tmp_path: Path) -> None:
    assert "3 passed" in _outcome(tmp_path, -1)


def test_the_newest_python_has_the_quick_tests_and_slow_ones_of_its_own(
    tmp_path: Path,
) -> None:
    ran = _outcome(tmp_path, 60, "-v", "-m", NEWEST)
    assert "test_marked" not in ran
    assert "2 passed, 1 deselected" in ran
    for name in ("Makefile", ".ci/run"):
        assert f'-m "{NEWEST}"' in (ROOT / name).read_text()


def test_each_folder_of_slow_tests_exists() -> None:
    assert all((ROOT / "tests" / name).is_dir() for name in PROCESSES)
