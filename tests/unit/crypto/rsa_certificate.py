"""A certificate of an RSA key, which ccfpy itself never makes."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.crypto.conftest import NEW_YEAR


def rsa_certificate(key: rsa.RSAPrivateKey) -> str:
    """Return a self-signed certificate, PEM."""
    name = x509.Name.from_rfc4514_string("CN=rsa")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NEW_YEAR)
        .not_valid_after(NEW_YEAR + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
