"""Seeded randomness: the same for the same seed, and good enough for keys."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.crypto.hashing import sha256
from ccfpy.testing import entropy
from ccfpy.testing.entropy import (
    SeededEntropy,
    _is_usable,
    know_distances,
    place_of,
)

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
    source = SeededEntropy(b"seed")
    assert source.random_bytes(20) == first[:20]
    assert source.random_bytes(32) == second


def test_no_block_comes_twice_and_seeds_differ() -> None:
    blocks = [SeededEntropy(seed).random_bytes(32) for seed in range(50)]
    source = SeededEntropy(0)
    blocks += [source.random_bytes(32) for _ in range(50)][1:]
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


START = (1 << 255) + 1


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], int]:
    """The search for a prime, which knows and remembers nothing yet."""
    monkeypatch.setattr(entropy, "_DISTANCES", {})
    return entropy.next_prime.__wrapped__


def test_a_prime_whose_distance_is_known_is_the_one_that_a_search_finds(
    search: Callable[[int], int],
) -> None:
    prime = search(START)
    assert prime > START
    know_distances({place_of(START): prime - START})
    assert search(START) == prime
    beyond = search(prime + 2)
    know_distances({place_of(START): beyond - START})
    assert search(START) == beyond


def test_a_wrong_distance_leads_to_a_prime_all_the_same(
    search: Callable[[int], int],
) -> None:
    prime = search(START)
    know_distances({place_of(START): 2})
    assert search(START) == prime


@pytest.mark.slow
def test_the_table_of_these_tests_changes_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    der = SeededEntropy(7).rsa_private_key(2048)
    monkeypatch.setattr(entropy, "_DISTANCES", {})
    entropy.next_prime.cache_clear()
    assert SeededEntropy(7).rsa_private_key(2048) == der


@pytest.mark.slow
def test_one_source_gives_different_keys() -> None:
    source = SeededEntropy(9)
    assert source.rsa_private_key(2048) != source.rsa_private_key(2048)


def test_primes_are_told_from_other_numbers_and_fit_the_exponent() -> None:
    is_prime = _is_usable
    assert is_prime(2**521 - 1)
    assert not is_prime((2**521 - 1) * (2**607 - 1))
    assert not is_prime(3 * (2**521 - 1))
    assert not is_prime(UNFIT_PRIME)
