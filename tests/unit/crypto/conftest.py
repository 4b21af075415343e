"""Keys that are the same in every run, and what CCF recorded."""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccfpy.crypto.certs import Certificate, service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----(?:\\n|[\nA-Za-z0-9+/=])+-----END CERTIFICATE-----"
)
_COSE_SIGN1 = re.compile(rb'"(0oR[A-Za-z0-9+/]+={0,2})"')
"""Base64 of a CBOR tag 18 and an array of four, as a JSON string."""


@pytest.fixture
def entropy() -> SeededEntropy:
    """A seeded source of randomness."""
    return SeededEntropy(b"crypto tests")


@pytest.fixture(scope="session", params=list(Curve))
def key(request: pytest.FixtureRequest) -> KeyPair:
    """A key of each curve in turn."""
    return KeyPair.generate(SeededEntropy(11), request.param)


@pytest.fixture(scope="session")
def service_key() -> KeyPair:
    """A service's key."""
    return KeyPair.generate(SeededEntropy(12), Curve.SECP384R1)


@pytest.fixture(scope="session")
def service(service_key: KeyPair) -> Certificate:
    """A service's certificate."""
    return service_certificate(
        service_key,
        subject="CN=CCF Service",
        not_before=NEW_YEAR,
        validity_days=365,
        entropy=SeededEntropy(13),
    )


@pytest.fixture(scope="session")
def rsa_key() -> RsaKeyPair:
    """An RSA key."""
    return RsaKeyPair.generate(SeededEntropy(14))


@pytest.fixture(scope="session")
def recorded_certificates(ccf_services: Path) -> list[Certificate]:
    """Every certificate in clear in the ledgers that CCF recorded."""
    pems = {
        found.replace(rb"\n", b"\n")
        for path in ccf_services.glob("*/ledger/*")
        for found in _CERTIFICATE.findall(path.read_bytes())
    }
    return [Certificate.from_pem(pem) for pem in sorted(pems)]


@pytest.fixture(scope="session")
def recorded_messages(ccf_services: Path) -> list[bytes]:
    """Every COSE_Sign1 in the ledgers that CCF recorded."""
    texts = {
        found
        for path in ccf_services.glob("*/ledger/*")
        for found in _COSE_SIGN1.findall(path.read_bytes())
    }
    return [base64.b64decode(text) for text in sorted(texts)]
