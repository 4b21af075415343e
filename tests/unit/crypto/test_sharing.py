"""Shamir's sharing as CCF does it."""

import struct
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.hashing import hkdf_sha256
from ccfpy.crypto.sharing import (
    LIMBS,
    PRIME,
    SHARE_BYTES,
    combine,
    split,
    wrapping_key,
)
from ccfpy.testing.entropy import SeededEntropy


def share(x: int, *ys: int) -> bytes:
    return struct.pack(f"<I{LIMBS}I", x, *ys)


@given(st.integers(0, 999), st.integers(1, 6), st.integers(0, 3), st.randoms())
def test_any_threshold_of_shares_gives_the_secret(
    seed: int, threshold: int, spare: int, choice: Random
) -> None:
    secret, shares = split(SeededEntropy(seed), threshold, threshold + spare)
    assert len(shares) == threshold + spare
    chosen = choice.sample(shares, threshold)
    assert combine(chosen) == secret


def test_every_pair_of_three_wins_and_none_alone() -> None:
    secret, shares = split(SeededEntropy(1), 2, 3)
    assert {combine(pair) for pair in combinations(shares, 2)} == {secret}
    for alone in shares:
        assert combine([alone])[4:] != secret[4:]


def test_a_share_is_its_index_and_ten_numbers_of_the_field() -> None:
    secret, shares = split(SeededEntropy(2), 3, 5)
    for x, each in enumerate((secret, *shares)):
        assert len(each) == SHARE_BYTES == 44
        index, *ys = struct.unpack(f"<I{LIMBS}I", each)
        assert index == x
        assert all(0 <= y < PRIME for y in ys)


def test_a_threshold_of_one_gives_everyone_the_secret() -> None:
    secret, shares = split(SeededEntropy(3), 1, 3)
    assert all(each[4:] == secret[4:] for each in shares)


def test_interpolation_by_hand() -> None:
    """With y = 7 + 3x the shares at 1 and 2 are 10 and 13."""
    assert combine([share(1, *[10] * 10), share(2, *[13] * 10)]) == share(0, *[7] * 10)


def test_the_secret_itself_wins_alone() -> None:
    secret, _ = split(SeededEntropy(4), 2, 3)
    assert combine([secret]) == secret


def test_the_same_share_twice_is_refused() -> None:
    _, shares = split(SeededEntropy(5), 2, 3)
    with pytest.raises(VerificationFailed, match="the same index"):
        combine([shares[0], shares[0]])


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        bytes(SHARE_BYTES - 1),
        bytes(SHARE_BYTES + 1),
        share(PRIME, *[0] * 10),
        share(1, *[0] * 9, PRIME),
    ],
)
def test_what_is_no_share_is_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        combine([bad])


def test_the_wrapping_key_takes_the_secret_as_its_label_too() -> None:
    secret, _ = split(SeededEntropy(6), 1, 1)
    raw = secret[4:]
    expected = hkdf_sha256(ikm=raw, salt=b"", info=raw, length=32)
    assert wrapping_key(secret) == expected


@pytest.mark.parametrize(("threshold", "count"), [(0, 1), (2, 1)])
def test_an_impossible_threshold_is_a_mistake_of_ours(
    threshold: int, count: int
) -> None:
    with pytest.raises(AssertionError):
        split(SeededEntropy(7), threshold, count)
