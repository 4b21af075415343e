"""What people install has everything that ccfpy needs at run time, and no more."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names in a wheel built from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*command, folder], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return frozenset(archive.namelist())


def _tracked(top: str) -> set[str]:
    names = (path.relative_to(ROOT) for path in files())
    return {name.as_posix() for name in names if name.parts[0] == top}


def test_the_wheel_holds_the_package(wheel: frozenset[str]) -> None:
    assert _tracked("ccfpy") <= wheel


@pytest.mark.parametrize("top", ["governance", "apps"])
def test_the_wheel_carries_what_travels_with_it(
    wheel: frozenset[str], top: str
) -> None:
    shared = _tracked(top)
    assert shared
    assert {f"ccfpy/share/{name}" for name in shared} <= wheel


def test_the_wheel_holds_nothing_else(wheel: frozenset[str]) -> None:
    tops = {Path(name).parts[0].split("-")[0] for name in wheel}
    assert tops == {"ccfpy"}
    strays = {name for name in wheel if "__pycache__" in name or "/tests/" in name}
    assert not strays
