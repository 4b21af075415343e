"""Each worker of a parallel run has whole groups of tests, the longest first."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.pace import PROCESSES
from tests.schedule import APART, GROUPED, LONGEST, ONE_AFTER_ANOTHER, group_of, rank

PLUGIN = "from tests.schedule import pytest_xdist_make_scheduler"
TESTS = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(20))
def test_one(number):
    worker = os.environ["PYTEST_XDIST_WORKER"]
    Path(__file__).with_suffix("." + worker).touch()
"""
FILES = ("e2e/test_a", "e2e/test_b", "deploy/test_c", "deploy/test_d")


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/e2e/test_a.py::test_x[a/b::c]", "tests/e2e/test_a.py"),
        ("tests/deploy/test_a.py::test_x", "deploy"),
        ("tests/deploy/test_b.py::test_x", "deploy"),
        ("tests/unit/deploy/test_b.py::test_x", "tests/unit/deploy/test_b.py"),
        *((f"{file}::test_x[1]", f"{file}::test_x[1]") for file in APART),
    ],
)
def test_tests_that_share_something_are_one_group(test: str, group: str) -> None:
    assert group_of(test) == group


def test_the_longest_groups_begin_first() -> None:
    groups = [*LONGEST, "tests/e2e/test_other.py"]
    assert [rank(group) for group in groups] == [*range(len(groups))]
    (file,) = APART
    assert rank(f"{file}::test_x") == rank(file) < rank("tests/e2e/test_other.py")


def test_each_group_with_a_name_exists() -> None:
    assert ONE_AFTER_ANOTHER < PROCESSES
    assert [name for name in APART | {*LONGEST} if not (ROOT / name).is_file()] == [
        *ONE_AFTER_ANOTHER
    ]


def test_one_worker_runs_a_whole_group(tmp_path: Path) -> None:
    for name in FILES:
        file = tmp_path / f"tests/{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TESTS)
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--numprocesses", "2", "--dist", GROUPED, "--import-mode", "importlib"]
    done = subprocess.run(
        [*command, "--rootdir", tmp_path, "-c", tmp_path / "pytest.ini", tmp_path],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "80 passed" in done.stdout, done.stdout + done.stderr
    workers = {
        name: {file.suffix for file in (tmp_path / "tests").glob(f"{name}.gw*")}
        for name in FILES
    }
    assert all(len(found) == 1 for found in workers.values()), workers
    assert workers["deploy/test_c"] == workers["deploy/test_d"]
