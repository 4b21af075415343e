"""Keys as bytes and as text: SubjectPublicKeyInfo and PKCS#8, unencrypted.

Public keys that are dear: a check of one signature by them takes too long.

An RSA key costs by the length of its modulus, and by its exponent once for each bit.
OpenSSL takes exponents as long as the modulus up to 3072 bits, for which a check takes
10 ms instead of 0.03 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
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
from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX


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


def check_affordable(key: object) -> None:
    """Refuse a dear public key. Keys of other kinds than these have fixed sizes.

    Args:
        key: of the library.

    Raises:
        Malformed: the key is dear.
    """
    if isinstance(key, rsa.RSAPublicKey):
        check_rsa_numbers(key.public_numbers())
    elif isinstance(key, dsa.DSAPublicKey) and key.key_size > DSA_BITS_MAX:
        raise Malformed(f"a DSA key of {key.key_size} bits is out of range")


def check_rsa_numbers(numbers: rsa.RSAPublicNumbers) -> None:
    """Refuse a dear RSA key by its numbers.

    Raises:
        Malformed: the key is dear.
    """
    bits, exponent_bits = numbers.n.bit_length(), numbers.e.bit_length()
    if bits > RSA_BITS_MAX:
        raise Malformed(f"an RSA key of {bits} bits is out of range")
    if exponent_bits > RSA_EXPONENT_BITS_MAX:
        raise Malformed(f"an RSA key's exponent of {exponent_bits} bits is too long")
