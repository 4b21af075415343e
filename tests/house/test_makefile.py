"""`make help` shows every command, and a sandbox starts with few packages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

TEXT = (ROOT / "Makefile").read_text()
TARGETS = set(" ".join(re.findall(r"^\.PHONY: (.*)$", TEXT, re.MULTILINE)).split())
INPUTS = ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock")
BACKEND = "deploy/image/build.lock"


def _make(folder: Path, *arguments: str) -> str:
    # The variables of the make that runs these tests are not meant for this make.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON"}
    }
    command = ["make", "--no-print-directory", *arguments, f"PYTHON={sys.executable}"]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout in which no environment has been made yet."""
    for name in (*INPUTS, BACKEND):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_make_help_shows_each_target_that_is_a_command_and_no_other() -> None:
    lines = _make(ROOT, "help").splitlines()
    shown = [re.fullmatch(r"make (\S+) +(\S.*)", line) for line in lines]
    assert all(shown), lines
    names = [match[1] for match in shown if match]
    assert sorted(names) == sorted(TARGETS)


def test_a_sandbox_installs_what_a_service_runs_on_and_nothing_else(
    clone: Path,
) -> None:
    commands = _make(clone, "--dry-run", "sandbox")
    assert re.findall(r"-r (\S+)", commands) == ["requirements.lock", BACKEND]
    assert commands.endswith(".venv/bin/ccfpy sandbox\n")


@pytest.mark.parametrize("target", [".venv", "lint", "format"])
def test_checks_install_their_tools_into_the_same_environment(
    clone: Path, target: str
) -> None:
    commands = _make(clone, "--dry-run", target)
    locks = ["requirements.lock", BACKEND, "requirements-dev.lock"]
    assert re.findall(r"-r (\S+)", commands) == locks


def test_each_test_that_starts_processes_runs_once() -> None:
    commands = _make(ROOT, "--dry-run", "test").splitlines()
    runs = [line.partition(" -m pytest ")[2] for line in commands if "/e2e" in line]
    chosen = [re.search(r'-m ("not alone"|alone) (.*)', run) for run in runs]
    assert [each and each[1] for each in chosen] == ['"not alone"', "alone"]
    assert len({each and each[2] for each in chosen}) == 1


def test_tests_that_run_at_once_are_those_that_run_one_after_another() -> None:
    in_order, at_once = (
        [
            line.partition(" -m pytest ")[2]
            for line in _make(ROOT, "--dry-run", "test", *words).splitlines()
        ]
        for words in ((), ("AT_ONCE=2",))
    )
    assert sorted(at_once) == sorted(in_order)
    assert len(list(filter(None, in_order))) == 3


def test_pre_commit_runs_each_check_of_make_lint() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    hooks = re.findall(r"^ +entry: (.*)$", config, re.MULTILINE)
    checks = _make(ROOT, "--dry-run", "--assume-old", ".venv", "lint").splitlines()
    assert len(hooks) == len(checks)
    # A hook names its files itself, or receives the files of the commit.
    assert all(
        check.startswith(hook) for check, hook in zip(checks, hooks, strict=True)
    )
