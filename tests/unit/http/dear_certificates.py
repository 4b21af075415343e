"""Certificates of clients that are dear to check: many, large, or of dear keys."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

BITS: Final = 3072
"""Of a modulus: the largest for which OpenSSL takes an exponent of any length."""
CHAIN: Final = 74
"""Certificates of such keys, and as many as OpenSSL reads of one peer by default."""

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def dear_exponent(modulus: int) -> int:
    """Return an odd exponent as long as the modulus: a check squares for each bit."""
    return modulus - 2


@cache
def _signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, BITS)


@cache
def dear_public_key() -> rsa.RSAPublicKey:
    """Return a key of a common size and the longest exponent that OpenSSL takes."""
    modulus = _signer().public_key().public_numbers().n
    return rsa.RSAPublicNumbers(dear_exponent(modulus), modulus).public_key()


def _name(place: int) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"a{place}")])


def certificate(
    place: int,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    padding_bytes: int = 0,
) -> x509.Certificate:
    """Make one link; its issuer is the next by name, and its signature is nobody's."""
    padding = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.9.9"), bytes(padding_bytes)
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(place))
        .issuer_name(_name(place + 1))
        .public_key(key)
        .serial_number(place + 1)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(padding, critical=False)
        .sign(_signer(), hashes.SHA256())
    )


def chain_files(
    path: Path, length: int, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
) -> Path:
    """Write a client's key and certificate with others behind it, ``length`` in all."""
    key = ec.generate_private_key(ec.SECP384R1())
    links = [certificate(0, key.public_key())]
    links += [certificate(place, public) for place in range(1, length)]
    return write_files(path, key, *links)


def rsa_key(p: int, q: int, e: int) -> rsa.RSAPrivateKey:
    """Make an RSA key of two primes and an exponent, however odd."""
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, p * q),
    ).private_key(unsafe_skip_rsa_key_validation=True)


def write_files(path: Path, key: Key, *chain: x509.Certificate) -> Path:
    """Write a key and certificates as ``load_cert_chain`` reads them."""
    blocks = [link.public_bytes(serialization.Encoding.PEM) for link in chain]
    blocks.append(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.write_bytes(b"".join(blocks))
    return path


def shows(
    files: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Callable[[ssl.SSLContext], None]:
    """Return what sets up a client that shows these."""

    def setup(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(files)

    return setup
