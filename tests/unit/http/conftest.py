"""Fixtures for HTTP and TLS."""

import pytest

from ccfpy.http.tls_engine import TlsEngine
from tests.unit.http.tls_ends import ENGINES


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> TlsEngine:
    """Return each engine in turn that can run here."""
    chosen = request.param
    assert isinstance(chosen, TlsEngine)
    return chosen
