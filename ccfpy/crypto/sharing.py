"""Shamir's secret sharing over the field of 2³¹ - 1, ten limbs at a time, as CCF does.

A share is ``u32 x`` and ten ``u32 y``. The polynomial of each limb has a random
constant term: what is shared is a random number, not the caller's secret, and the key
that wraps the secret is derived from it. The share at x = 0 is that number itself
(``src/crypto/sharing.cpp``).
"""

import struct
from collections.abc import Sequence

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto.hashing import hkdf_sha256

PRIME = (1 << 31) - 1
LIMBS = 10
SHARE_BYTES = 4 * (1 + LIMBS)
WRAPPING_KEY_BYTES = 32

_SHARE = struct.Struct(f"<I{LIMBS}I")
_SAMPLE_BYTES = 16
"""Enough random bits before reduction that the bias cannot be seen."""


def split(
    entropy: Entropy, threshold: int, count: int
) -> tuple[bytes, tuple[bytes, ...]]:
    """Draw a random number and share it among ``count``, any ``threshold`` of whom win.

    Gives the number itself, as the share at x = 0, and the shares at x = 1, 2, ….
    """
    assert 1 <= threshold <= count < PRIME, (threshold, count)
    polynomials = [
        [
            int.from_bytes(entropy.random_bytes(_SAMPLE_BYTES), "little") % PRIME
            for _ in range(threshold)
        ]
        for _ in range(LIMBS)
    ]
    shares = [
        _SHARE.pack(x, *(_evaluate(polynomial, x) for polynomial in polynomials))
        for x in range(count + 1)
    ]
    return shares[0], tuple(shares[1:])


def combine(shares: Sequence[bytes]) -> bytes:
    """Interpolate the share at x = 0 from exactly as many shares as the threshold.

    Raises:
        Malformed: a share has not a share's form.
        VerificationFailed: two shares have the same x.
    """
    points = [_parse(share) for share in shares]
    indices = [x for x, _ in points]
    if len(set(indices)) != len(indices):
        raise VerificationFailed("two recovery shares have the same index")
    coefficients = [_lagrange_at_zero(indices, x) for x in indices]
    limbs = [
        sum(c * ys[limb] for c, (_, ys) in zip(coefficients, points, strict=True))
        % PRIME
        for limb in range(LIMBS)
    ]
    return _SHARE.pack(0, *limbs)


def wrapping_key(whole: bytes) -> bytes:
    """Derive the key that wraps a ledger secret from the share at x = 0.

    The derivation's *info* is the secret input once more, where one would expect a
    label (``src/crypto/sharing.h``).
    """
    raw = whole[4:]
    return hkdf_sha256(ikm=raw, salt=b"", info=raw, length=WRAPPING_KEY_BYTES)


def _parse(share: bytes) -> tuple[int, tuple[int, ...]]:
    if len(share) != SHARE_BYTES:
        raise Malformed(f"expected a share of {SHARE_BYTES} bytes, found {len(share)}")
    x, *ys = _SHARE.unpack(share)
    if x >= PRIME or any(y >= PRIME for y in ys):
        raise Malformed("a share with a number outside the field")
    return x, tuple(ys)


def _evaluate(polynomial: Sequence[int], x: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = (value * x + coefficient) % PRIME
    return value


def _lagrange_at_zero(indices: Sequence[int], x: int) -> int:
    numerator = denominator = 1
    for other in indices:
        if other != x:
            numerator = numerator * other % PRIME
            denominator = denominator * (other - x) % PRIME
    return numerator * pow(denominator, -1, PRIME) % PRIME
