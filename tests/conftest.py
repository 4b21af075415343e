"""Fixtures that every folder of tests may use."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
# A loaded machine is slow, not wrong: time limits belong in benchmarks/.
settings.register_profile("ccfpy", deadline=None)
settings.load_profile("ccfpy")

SHARED = ROOT.parent / "shared"


def _missing(message: str) -> NoReturn:
    """Skip a test for what is not here; in CI, where it must be, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        _missing(f"reference data not found: {path}")
    return path


@pytest.fixture(scope="session")
def ccf_services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private copy of the ledgers that CCF itself recorded, one folder a service."""
    target = tmp_path_factory.mktemp("ccf") / "services"
    shutil.copytree(_shared("data", "ccf_services"), target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


@pytest.fixture(scope="session")
def ccf6_tools() -> Path:
    """The folder of CCF 6's own command-line tools, and of the Python they run on."""
    folder = ROOT / ".venv-ccf6" / "bin"
    if not folder.is_dir():
        _missing("CCF 6's tools are not installed: run make interop")
    return folder


@pytest.fixture(scope="session")
def ccf7_tools() -> Path:
    """The same of CCF 7, which needs Python 3.12: skipped where there is none."""
    folder = ROOT / ".venv-ccf7" / "bin"
    if not folder.is_dir():
        pytest.skip("CCF 7's tools are not installed: they need Python 3.12 or newer")
    return folder
