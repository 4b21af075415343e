"""Services that CCF itself recorded, read once, with their secrets recovered."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ccfpy.ledger.secrets import LedgerSecrets
from tests.vectors.recording import Recording

SERVICES = ("cose_flipflop_service", "eol_service", "sgx_service")


@pytest.fixture(scope="session")
def recordings(ccf_services: Path) -> Callable[[str], Recording]:
    """Return a function that finds a recorded service by name."""
    return cache(lambda name: Recording.read(ccf_services / name))


@pytest.fixture(params=SERVICES)
def recording(
    request: pytest.FixtureRequest, recordings: Callable[[str], Recording]
) -> Recording:
    """Each recorded service in turn."""
    return recordings(request.param)


@pytest.fixture(scope="session")
def secrets_of(
    recordings: Callable[[str], Recording],
) -> Callable[[str], LedgerSecrets]:
    """Return a function that finds the secrets of a recorded service by name."""
    return cache(lambda name: recordings(name).secrets())


@pytest.fixture
def secrets(
    recording: Recording, secrets_of: Callable[[str], LedgerSecrets]
) -> LedgerSecrets:
    """Return the secrets of the recorded service of this test."""
    return secrets_of(recording.name)
