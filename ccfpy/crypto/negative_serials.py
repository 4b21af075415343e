"""Certificates whose serial number is not positive, as AMD's chips have them.

RFC 5280 forbids such numbers. The library still reads them, with a warning that it
will not for ever. Where it refuses, the certificate is read with another number of the
same length in its place, and its signature is checked over the bytes as they came.
"""

import base64
import binascii
from collections.abc import Iterator
from textwrap import wrap

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_SEQUENCE, _VERSION, _INTEGER = 0x30, 0xA0, 0x02
_LONG_FORM, _NEGATIVE = 0x80, 0x80
_LENGTH_BYTES_MAX = 3
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def from_der(der: bytes) -> x509.Certificate:
    """Read a certificate, whatever its serial number.

    Raises:
        ValueError: it is none.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return load(der)


def from_pem(pem: bytes, *, first: bool) -> list[tuple[x509.Certificate, bytes]]:
    """Read the first certificate of a PEM text, or all, each with its DER.

    Raises:
        ValueError: there is none, or one of them is broken.
    """
    try:
        return [(found, _der(found)) for found in _strictly(pem, first=first)]
    except ValueError:
        blocks = list(pem_blocks(pem))
        read = [from_der(der) for der in (blocks[:1] if first else blocks)]
        found = list(zip(read, blocks, strict=False))
        # Text that is refused for another reason is not read in this way either.
        if all(_der(certificate) == der for certificate, der in found):
            raise
        return found


def _strictly(pem: bytes, *, first: bool) -> list[x509.Certificate]:
    if first:
        return [x509.load_pem_x509_certificate(pem)]
    return x509.load_pem_x509_certificates(pem)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def load(der: bytes) -> x509.Certificate:
    """Read a certificate with a positive serial number in place of its own.

    Raises:
        ValueError: it is no certificate, or its number is positive as it is.
    """
    start, end = _serial(der)
    serial = der[start:end]
    number = int.from_bytes(serial, "big", signed=True)
    if number > 0:
        raise ValueError("a certificate that cannot be read")
    # One byte at the front decides the sign, one at the end that it is not zero.
    positive = bytearray(serial)
    positive[0] &= _NEGATIVE - 1
    positive[-1] |= 1
    return x509.load_der_x509_certificate(der[:start] + bytes(positive) + der[end:])


def verify(der: bytes, read: x509.Certificate, issuer: x509.Certificate) -> None:
    """Check that ``issuer`` issued what ``read`` was read from.

    Raises:
        InvalidSignature: its name or its signature is not the issuer's.
    """
    hash_ = read.signature_hash_algorithm
    if read.issuer != issuer.subject or hash_ is None:
        raise InvalidSignature
    signed, _ = _inner(der)
    key, how = issuer.public_key(), read.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey):
        if not isinstance(how, padding.PSS | padding.PKCS1v15):
            raise InvalidSignature
        key.verify(read.signature, signed, how, hash_)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
        key.verify(read.signature, signed, how)
    else:
        raise InvalidSignature


def to_pem(read: x509.Certificate, der: bytes) -> str:
    """Write as PEM what ``read`` was read from."""
    pem = read.public_bytes(serialization.Encoding.PEM).decode()
    if _der(read) == der:
        return pem
    begin, *_, end = pem.splitlines()
    return "\n".join((begin, *wrap(base64.b64encode(der).decode(), 64), end, ""))


def pem_blocks(pem: bytes) -> Iterator[bytes]:
    """Yield the DER of each certificate in a PEM text.

    Raises:
        ValueError: one of them is not base64.
    """
    end = 0
    while (begin := pem.find(_BEGIN, end)) >= 0:
        start = begin + len(_BEGIN)
        end = pem.find(_END, start)
        if end < 0:
            return
        try:
            yield base64.b64decode(b"".join(pem[start:end].split()), validate=True)
        except binascii.Error as error:
            raise ValueError("a PEM certificate that is not base64") from error


def _inner(der: bytes) -> tuple[bytes, int]:
    """Return the signed part of a certificate, and where its content begins."""
    outer, _ = _element(der, 0, _SEQUENCE)
    start, end = _element(der, outer, _SEQUENCE)
    return der[outer:end], start


def _serial(der: bytes) -> tuple[int, int]:
    """Find the content of a certificate's serial number."""
    _, at = _inner(der)
    if der[at : at + 1] == bytes([_VERSION]):
        _, at = _element(der, at, _VERSION)
    start, end = _element(der, at, _INTEGER)
    if start == end:
        raise ValueError("a certificate without a serial number")
    return start, end


def _element(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of an element begins and ends."""
    header = der[at : at + 2]
    if len(header) != 2 or header[0] != tag:  # noqa: PLR2004  # tag and length
        raise ValueError("a certificate of another form")
    start, length = at + 2, header[1]
    if length >= _LONG_FORM:
        count = length - _LONG_FORM
        if not 0 < count <= _LENGTH_BYTES_MAX:
            raise ValueError("a certificate of another form")
        length = int.from_bytes(der[start : start + count], "big")
        start += count
    end = start + length
    if end > len(der):
        raise ValueError("a certificate that ends too early")
    return start, end
