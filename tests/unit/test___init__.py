"""Sources or compiled modules: one variable says which of them runs."""

import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import ccfpy

SAY = "from ccfpy.deep import part; print(part.__file__, part.VALUE)"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Make a ccfpy with one module, whose compiled form is none."""
    deep = tmp_path / "ccfpy" / "deep"
    deep.mkdir(parents=True)
    shutil.copy(ccfpy.__file__, deep.parent)
    (deep / "__init__.py").touch()
    (deep / "part.py").write_text("VALUE = 42")
    (deep / f"part{EXTENSION_SUFFIXES[0]}").write_text("no library")
    return deep


def run(package: Path, value: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", SAY],
        env={"PYTHONPATH": str(package.parents[1]), ccfpy.PURE_VARIABLE: value},
        capture_output=True,
        text=True,
        check=False,
    )


def test_sources_run_when_the_variable_says_so(package: Path) -> None:
    assert run(package, "1").stdout == f"{package / 'part.py'} 42\n"


@pytest.mark.parametrize("value", ["", "0", "no"])
def test_what_is_compiled_runs_otherwise(package: Path, value: str) -> None:
    outcome = run(package, value)
    assert outcome.returncode
    assert f"part{EXTENSION_SUFFIXES[0]}" in outcome.stderr
