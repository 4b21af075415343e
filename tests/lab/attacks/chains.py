"""Certificates that cost their verifier far more than their maker.

RSA is cheap to verify because public exponents are small. Here they are as long as the
modulus, so that one signature takes as many squarings as a private operation; the
private exponents are small instead, which makes signing cheap. The modulus is a product
of Mersenne primes: nobody's secret, and nothing to search for.
"""

import base64
import hashlib
import math

from ccfpy.crypto.ec import KeyPair

PRIMES = tuple((1 << exponent) - 1 for exponent in (107, 127, 607, 2203))
"""Mersenne primes whose product has 3,044 bits: OpenSSL takes long exponents with at
most 3,072."""
MODULUS = math.prod(PRIMES)
TOTIENT = math.prod(prime - 1 for prime in PRIMES)
PRIVATE_EXPONENTS = range(3, 1000, 2)
CHAIN_CERTIFICATES = 74
"""OpenSSL takes 100 KiB of certificates, and so many fit."""

_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
_COMMON_NAME = bytes.fromhex("0603550403")
_AUTHORITY = bytes.fromhex("a3133011300f0603551d130101ff040530030101ff")
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_VALIDITY = b"\x30\x1e\x17\x0d250101000000Z\x17\x0d490101000000Z"
_VERSION_3 = bytes.fromhex("a003020102")
_SEQUENCE, _SET, _INTEGER, _BITS, _UTF8 = 0x30, 0x31, 0x02, 0x03, 0x0C
_LONG = 0x80


def private_exponent() -> int:
    """Return the smallest private exponent that has a public one."""
    return next(d for d in PRIVATE_EXPONENTS if math.gcd(d, TOTIENT) == 1)


PRIVATE_EXPONENT = private_exponent()
PUBLIC_EXPONENT = pow(PRIVATE_EXPONENT, -1, TOTIENT)


def hostile_chain(leaf: KeyPair, *, certificates: int = CHAIN_CERTIFICATES) -> str:
    """Return a chain as PEM whose first certificate is for ``leaf``'s key.

    Args:
        leaf: the key that the sender proves to hold.
        certificates: how many there are, the first included.
    """
    chain = [_certificate(0, leaf.public_key.der)]
    chain += [_certificate(number, _rsa_key()) for number in range(1, certificates)]
    return "".join(map(_pem, chain))


def _rsa_key() -> bytes:
    key = _tlv(_SEQUENCE, _integer(MODULUS), _integer(PUBLIC_EXPONENT))
    return _tlv(_SEQUENCE, _RSA, _tlv(_BITS, b"\0", key))


def _certificate(number: int, public_key: bytes) -> bytes:
    """Return a certificate as DER, issued by the one of the next number."""
    content = _tlv(
        _SEQUENCE,
        _VERSION_3,
        _integer(number + 1),
        _SHA256_WITH_RSA,
        _name(number + 1),
        _VALIDITY,
        _name(number),
        public_key,
        *([_AUTHORITY] if number else []),
    )
    return _tlv(_SEQUENCE, content, _SHA256_WITH_RSA, _tlv(_BITS, b"\0", sign(content)))


def sign(content: bytes) -> bytes:
    """Return the signature of RSA with PKCS #1 v1.5 padding over SHA-256 (RFC 8017)."""
    size = (MODULUS.bit_length() + 7) // 8
    info = _SHA256_INFO + hashlib.sha256(content).digest()
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    signed = pow(int.from_bytes(padded, "big"), PRIVATE_EXPONENT, MODULUS)
    return signed.to_bytes(size, "big")


def _name(number: int) -> bytes:
    text = _tlv(_UTF8, f"c{number}".encode())
    return _tlv(_SEQUENCE, _tlv(_SET, _tlv(_SEQUENCE, _COMMON_NAME, text)))


def _integer(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < _LONG:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(length)]) + length + content


def _pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
