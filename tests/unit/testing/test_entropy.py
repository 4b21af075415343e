"""Seeded randomness: the same for the same seed, and good enough for keys."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.crypto.hashing import sha256
from ccfpy.testing.entropy import SeededEntropy, _is_usable

UNFIT_PRIME = 14 * 65537 + 1
"""No exponent of 65537 can be inverted modulo one less than it."""


@given(st.integers() | st.binary(max_size=16), st.lists(st.integers(0, 80), max_size=5))
def test_the_same_seed_gives_the_same_bytes(
    seed: int | bytes, sizes: list[int]
) -> None:
    one, two = SeededEntropy(seed), SeededEntropy(seed)
    for size in sizes:
        data = one.random_bytes(size)
        assert data == two.random_bytes(size)
        assert len(data) == size


def test_the_stream_is_hashes_of_seed_and_counter() -> None:
    """Recorded seeds stay valid only while these bytes stay the same."""
    seed = sha256(b"seed")
    first, second = (sha256(seed + n.to_bytes(8, "little")) for n in range(2))
    entropy = SeededEntropy(b"seed")
    assert entropy.random_bytes(20) == first[:20]
    assert entropy.random_bytes(32) == second


def test_no_block_comes_twice_and_seeds_differ() -> None:
    blocks = [SeededEntropy(seed).random_bytes(32) for seed in range(50)]
    entropy = SeededEntropy(0)
    blocks += [entropy.random_bytes(32) for _ in range(50)][1:]
    assert len(set(blocks)) == len(blocks)


def test_an_rsa_key_follows_from_the_seed() -> None:
    bits = 2048
    der = SeededEntropy(7).rsa_private_key(bits)
    assert der == SeededEntropy(7).rsa_private_key(bits)
    assert der != SeededEntropy(8).rsa_private_key(bits)
    key = serialization.load_der_private_key(der, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == bits
    assert key.public_key().public_numbers().e == 65537
    numbers = key.private_numbers()
    assert numbers.p > numbers.q


@pytest.mark.slow
def test_one_source_gives_different_keys() -> None:
    entropy = SeededEntropy(9)
    assert entropy.rsa_private_key(2048) != entropy.rsa_private_key(2048)


def test_primes_are_told_from_other_numbers_and_fit_the_exponent() -> None:
    is_prime = _is_usable
    assert is_prime(2**521 - 1)
    assert not is_prime((2**521 - 1) * (2**607 - 1))
    assert not is_prime(3 * (2**521 - 1))
    assert not is_prime(UNFIT_PRIME)
