"""Signatures of statements, by each algorithm and its keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.scitt.limits import RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX
from apps.scitt.signatures import ALGORITHMS, check_rsa, verify
from ccfpy.app import Malformed, VerificationFailed
from tests.apps import scitt_kit
from tests.apps.scitt_kit import key_for, sign_raw

DATA = b"what is signed"


@pytest.mark.parametrize("name", scitt_kit.ALGORITHMS)
def test_a_signature_holds_by_its_key_and_data_alone(name: str) -> None:
    key, number = key_for(name), scitt_kit.ALGORITHMS[name]
    algorithm = ALGORITHMS[number]
    signature = sign_raw(key, name, DATA)

    assert algorithm.name == name
    verify(algorithm, key.public_key(), signature, DATA)
    for wrong in (signature[:-1], signature + b"\0", b"", b"\0" * len(signature)):
        with pytest.raises(VerificationFailed):
            verify(algorithm, key.public_key(), wrong, DATA)
    with pytest.raises(VerificationFailed):
        verify(algorithm, key.public_key(), signature, DATA + b"!")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ES256", "ES384"),
        ("ES384", "PS256"),
        ("PS256", "ES256"),
        ("EdDSA", "ES256"),
        ("ES512", "EdDSA"),
    ],
)
def test_a_key_of_another_algorithm_is_refused(name: str, key: str) -> None:
    signature = sign_raw(key_for(name), name, DATA)
    algorithm = ALGORITHMS[scitt_kit.ALGORITHMS[name]]
    with pytest.raises(VerificationFailed, match="not for"):
        verify(algorithm, key_for(key).public_key(), signature, DATA)


def _rsa(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(n=(1 << bits) - 1, e=exponent).public_key()


@pytest.mark.parametrize(
    ("bits", "exponent"),
    [
        (1024, 65537),
        (RSA_BITS_MAX + 8, 65537),
        (2048, (1 << RSA_EXPONENT_BITS_MAX) + 1),
    ],
)
def test_a_weak_or_dear_key_is_refused(bits: int, exponent: int) -> None:
    with pytest.raises(Malformed):
        check_rsa(_rsa(bits, exponent))


@pytest.mark.parametrize("bits", [2048, RSA_BITS_MAX])
def test_a_key_within_the_bounds_is_taken(bits: int) -> None:
    check_rsa(_rsa(bits, (1 << (RSA_EXPONENT_BITS_MAX - 1)) + 1))
