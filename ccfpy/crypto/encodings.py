"""Keys as bytes and as text: SubjectPublicKeyInfo and PKCS#8, unencrypted."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import (
    PrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from ccfpy.base.errors import Malformed


def public_der(key: PublicKeyTypes) -> bytes:
    """Write a public key as DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: PublicKeyTypes) -> str:
    """Write a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_der(key: PrivateKeyTypes) -> bytes:
    """Write a private key as DER."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def private_pem(key: PrivateKeyTypes) -> str:
    """Write a private key as PEM."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def load_public_der(der: bytes) -> PublicKeyTypes:
    """Read a public key, of whatever kind.

    Raises:
        Malformed: it is none.
    """
    with _loading("not a public key"):
        return load_der_public_key(der)


def load_public_pem(pem: str | bytes) -> PublicKeyTypes:
    """Read a public key, of whatever kind.

    Raises:
        Malformed: it is none.
    """
    with _loading("not a public key"):
        return load_pem_public_key(_as_bytes(pem))


def load_private_der(der: bytes, *, is_ours: bool = False) -> PrivateKeyTypes:
    """Read a private key, of whatever kind.

    Args:
        der: the key.
        is_ours: it was made here: an RSA key's numbers are not tested, which takes as
            long as all the rest.

    Raises:
        Malformed: it is none, or encrypted.
    """
    with _loading("not an unencrypted private key"):
        return load_der_private_key(
            der, password=None, unsafe_skip_rsa_key_validation=is_ours
        )


def load_private_pem(pem: str | bytes) -> PrivateKeyTypes:
    """Read a private key, of whatever kind.

    Raises:
        Malformed: it is none, or encrypted.
    """
    with _loading("not an unencrypted private key"):
        return load_pem_private_key(_as_bytes(pem), password=None)


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@contextmanager
def _loading(failure: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed(f"{failure}: {error}") from error
