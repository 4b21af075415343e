"""Keys that are dear to check with are refused wherever somebody else brings one.

Measured on the reference machine: a check by an RSA key of 3072 bits takes 0.03 ms with
the exponent 65537, and 10 ms with an exponent of 3072 bits.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX
from ccfpy.crypto import guest_jwk, guest_keys, jwk
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.encodings import check_affordable, check_rsa_numbers
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.crypto.jwt import TokenKey
from ccfpy.crypto.rsa import RsaPublicKey
from tests.attacks import attack
from tests.unit.crypto.conftest import NEW_YEAR

BITS = 3072
"""The most with which OpenSSL takes an exponent of any length."""
SIGNER = rsa.generate_private_key(65537, BITS)
MODULUS = SIGNER.public_key().public_numbers().n
LONGEST = (1 << RSA_EXPONENT_BITS_MAX) - 1
TOO_LONG = (1 << RSA_EXPONENT_BITS_MAX) + 1


def public(exponent: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, MODULUS).public_key()


def der(exponent: int) -> bytes:
    return public(exponent).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def pem(exponent: int) -> bytes:
    return public(exponent).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def numbers(exponent: int) -> dict[str, Json]:
    def text(number: int) -> str:
        return encode_base64url(number.to_bytes(BITS // 8, "big"))

    return {"kty": "RSA", "n": text(MODULUS), "e": text(exponent)}


def certificate(exponent: int) -> Certificate:
    name = x509.Name.from_rfc4514_string("CN=dear")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public(exponent))
        .serial_number(1)
        .not_valid_before(NEW_YEAR)
        .not_valid_after(NEW_YEAR + timedelta(days=1))
        .sign(SIGNER, hashes.SHA256())
    )
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize(
    ("bits", "exponent", "is_dear"),
    [
        (RSA_BITS_MAX, LONGEST, False),
        (RSA_BITS_MAX + 1, 65537, True),
        (2048, LONGEST, False),
        (2048, TOO_LONG, True),
    ],
)
def test_an_rsa_key_is_dear_by_its_modulus_or_its_exponent(
    bits: int, exponent: int, is_dear: bool
) -> None:
    given = rsa.RSAPublicNumbers(exponent, (1 << bits) - 1)
    if not is_dear:
        check_rsa_numbers(given)
        check_affordable(given.public_key())
        return
    with pytest.raises(Malformed):
        check_rsa_numbers(given)
    with pytest.raises(Malformed):
        check_affordable(given.public_key())


def test_a_dsa_key_is_dear_by_its_modulus() -> None:
    def key(bits: int) -> dsa.DSAPublicKey:
        parameters = dsa.DSAParameterNumbers((1 << bits) - 1, (1 << 256) - 1, 2)
        return dsa.DSAPublicNumbers(3, parameters).public_key()

    check_affordable(key(DSA_BITS_MAX))
    with pytest.raises(Malformed, match="DSA"):
        check_affordable(key(4096))  # the next that the library reads


def test_keys_of_other_kinds_are_not_dear() -> None:
    check_affordable(ec.generate_private_key(ec.SECP521R1()).public_key())


READERS: dict[str, Callable[[int], object]] = {
    "an issuer": lambda e: certificate(e).verify_signed_by(certificate(e)),
    "a token's key": lambda e: TokenKey.from_der(der(e)),
    "a JWK": lambda e: jwk.public_key_der(numbers(e)),
    "a member's encryption key": lambda e: RsaPublicKey.from_pem(pem(e)),
    "a script's key": lambda e: guest_keys.public_key(pem(e)),
    "a script's certificate": lambda e: guest_keys.certified_key(
        certificate(e).pem.encode()
    ),
    "a script's JWK": lambda e: guest_jwk.CONVERSIONS["pubRsa"].to_pem(numbers(e)),
}


@attack("join: evidence by keys that are expensive to check", "an issuer")
@attack("jwt: a key that is expensive to check", "a token's key", "a JWK")
@pytest.mark.parametrize("reader", READERS)
def test_a_dear_key_is_refused(reader: str) -> None:
    read = READERS[reader]
    with pytest.raises(CcfpyError) as refused:
        read(TOO_LONG)
    assert isinstance(refused.value, Malformed | VerificationFailed)
    cheap = 65537 if reader == "an issuer" else LONGEST
    read(cheap)


def test_what_a_dear_issuer_signed_is_not_looked_at() -> None:
    dear = certificate(MODULUS - 2)
    times = []
    for _ in range(5):
        start = time.process_time()
        with pytest.raises(VerificationFailed):
            dear.verify_signed_by(dear)
        times.append(1000 * (time.process_time() - start))
    assert min(times) < 5, "to check it takes 10 ms"
