"""The keys of clients that are too expensive to check."""

import pytest

from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX
from ccfpy.http.openssl import KeyKind, is_costly_key


@pytest.mark.parametrize(
    ("kind", "bits", "exponent_bits", "is_costly"),
    [
        (KeyKind.RSA, 2048, 17, False),
        (KeyKind.RSA, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX, False),
        (KeyKind.RSA, RSA_BITS_MAX + 1, 17, True),
        (KeyKind.RSA, 2048, RSA_EXPONENT_BITS_MAX + 1, True),
        (KeyKind.DSA, DSA_BITS_MAX, 0, False),
        (KeyKind.DSA, DSA_BITS_MAX + 1, 0, True),
        (KeyKind.OTHER, 521, 0, False),
        (KeyKind.OTHER, 20_736, 0, False),
    ],
)
def test_a_key_is_costly_by_its_modulus_or_exponent(
    kind: KeyKind, bits: int, exponent_bits: int, is_costly: bool
) -> None:
    assert is_costly_key(kind, bits=bits, exponent_bits=exponent_bits) is is_costly
