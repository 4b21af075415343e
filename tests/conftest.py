"""Fixtures that every folder of tests may use."""

import os
import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(*parts: str) -> Path:
    """Find shared reference data; its absence skips a test, or fails it in CI."""
    path = SHARED.joinpath(*parts)
    if path.exists():
        return path
    message = f"reference data not found: {path}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def ccf_services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private copy of the ledgers that CCF itself recorded, one folder a service."""
    target = tmp_path_factory.mktemp("ccf") / "services"
    shutil.copytree(_shared("data", "ccf_services"), target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target
