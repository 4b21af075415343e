"""Imports determine the tests that a change can break, and no other tests run."""

import subprocess
from pathlib import Path

import pytest
from grimp import ImportGraph

from tests.house.since import EVERYTHING, QUICK, affected_tests, changed_since, imports
from tests.house.tree import ROOT


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    return imports()


def test_a_changed_module_brings_its_own_tests_and_those_of_its_users(
    graph: ImportGraph,
) -> None:
    found = affected_tests(["ccfpy/consensus/quorum.py"], graph)
    assert "tests/unit/consensus/test_quorum.py" in found
    assert "tests/unit/consensus/test_raft.py" in found
    assert "tests/unit/kv/test_store.py" not in found
    assert all((ROOT / path).is_file() for path in found)


def test_a_changed_test_brings_itself(graph: ImportGraph) -> None:
    path = "tests/unit/kv/test_store.py"
    assert affected_tests([path], graph) == [path]


def test_a_changed_conftest_brings_the_tests_below_it(graph: ImportGraph) -> None:
    found = affected_tests(["tests/unit/service/conftest.py"], graph)
    assert found
    assert all(path.startswith("tests/unit/service/") for path in found)


def test_a_changed_init_brings_the_tests_of_its_package(graph: ImportGraph) -> None:
    found = affected_tests(["ccfpy/consensus/__init__.py"], graph)
    assert "tests/unit/consensus/test_quorum.py" in found


def test_a_file_that_is_not_python_brings_what_uses_the_modules_beside_it(
    graph: ImportGraph,
) -> None:
    found = affected_tests(["ccfpy/js/quickjs/quickjs.wasm"], graph)
    assert any(path.startswith("tests/unit/js/quickjs/") for path in found)


@pytest.mark.parametrize("path", [*EVERYTHING, "governance/default/actions.js"])
def test_what_everything_depends_on_brings_everything(
    graph: ImportGraph, path: str
) -> None:
    assert affected_tests([path], graph) == [f"tests/{folder}" for folder in QUICK]


@pytest.mark.parametrize(
    "path", ["README.md", "ccfpy/kv/README.md", "docs/plot.svg", "ccfpy/kv/gone.py"]
)
def test_prose_and_what_is_gone_bring_nothing(graph: ImportGraph, path: str) -> None:
    assert affected_tests([path], graph) == []


def test_every_file_that_everything_depends_on_exists() -> None:
    assert all((ROOT / name).is_file() for name in EVERYTHING)
    assert all((ROOT / "tests" / name).is_dir() for name in QUICK)


def test_changes_are_those_of_the_branch_of_the_checkout_and_of_new_files(
    tmp_path: Path,
) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    def write(*names: str) -> None:
        for name in names:
            (tmp_path / name).write_text(f"{len(list(tmp_path.iterdir()))}")

    git("init", "--initial-branch", "main")
    write("kept", "edited", "moved", ".gitignore")
    (tmp_path / ".gitignore").write_text("ignored")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "branch")
    git("mv", "moved", "found")
    write("committed")
    git("add", ".")
    git("commit", "-m", "second")
    git("checkout", "main")
    write("theirs")
    git("add", ".")
    git("commit", "-m", "third")
    git("checkout", "branch")
    write("edited", "new", "ignored")
    expected = ["committed", "edited", "found", "moved", "new"]
    assert changed_since("main", tmp_path) == expected
    with pytest.raises(subprocess.CalledProcessError):
        changed_since("nowhere", tmp_path)
