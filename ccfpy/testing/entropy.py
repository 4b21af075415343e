"""Randomness from a seed, so that a simulated node's keys are the same every time.

Never used by a node that serves anybody: production randomness comes from the operating
system. The stream is SHA-256 over the seed and a counter.
"""

import math
from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import rsa

from ccfpy.crypto.encodings import private_der
from ccfpy.crypto.hashing import DIGEST_BYTES, sha256

_PUBLIC_EXPONENT = 65537
_ROUNDS = 8
_SMALL_PRIMES = math.prod(
    n for n in range(3, 2000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2))
)
_PLACE_DIGITS = 16
_DISTANCES: dict[str, int] = {}


class SeededEntropy:
    """An ``Entropy`` whose every byte follows from its seed."""

    __slots__ = ("_counter", "_seed")

    def __init__(self, seed: bytes | int) -> None:
        self._seed = sha256(seed if isinstance(seed, bytes) else b"%d" % seed)
        self._counter = 0

    def random_bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes, in whole blocks of the stream."""
        blocks = []
        for _ in range(-(-count // DIGEST_BYTES)):
            blocks.append(sha256(self._seed + self._counter.to_bytes(8, "little")))
            self._counter += 1
        return b"".join(blocks)[:count]

    def rsa_private_key(self, bits: int) -> bytes:
        """Make the RSA key that comes next in the stream; give it as DER PKCS#8."""
        p, q = self._prime(bits // 2), self._prime(bits // 2)
        if p < q:
            p, q = q, p
        exponent = pow(_PUBLIC_EXPONENT, -1, math.lcm(p - 1, q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p=p,
            q=q,
            d=exponent,
            dmp1=exponent % (p - 1),
            dmq1=exponent % (q - 1),
            iqmp=pow(q, -1, p),
            public_numbers=rsa.RSAPublicNumbers(_PUBLIC_EXPONENT, p * q),
        )
        key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
        return private_der(key)

    def _prime(self, bits: int) -> int:
        """Search upwards from a random number whose two highest bits are set."""
        start = int.from_bytes(self.random_bytes(bits // 8), "big")
        return next_prime(start | 3 << (bits - 2) | 1)


def place_of(candidate: int) -> str:
    """Return what stands for an odd number in a table of distances."""
    size = -(-candidate.bit_length() // 8)
    return sha256(candidate.to_bytes(size, "big")).hex()[:_PLACE_DIGITS]


def know_distances(distances: Mapping[str, int]) -> None:
    """Remember how far it is from odd numbers to the first usable primes.

    A search takes a tenth of a second, and the same tests make the same keys each time.

    Args:
        distances: by the place of the odd number where a search begins.
    """
    _DISTANCES.update(distances)


@lru_cache(maxsize=256)
def next_prime(candidate: int) -> int:
    """Find the first usable prime from an odd number on; same seeds ask again."""
    candidate += _DISTANCES.get(place_of(candidate), 0)
    while not _is_usable(candidate):
        candidate += 2
    return candidate


def _is_usable(candidate: int) -> bool:
    if math.gcd(candidate, _SMALL_PRIMES) != 1:
        return False
    if math.gcd(candidate - 1, _PUBLIC_EXPONENT) != 1:
        return False
    return all(_is_probable_prime(candidate, base) for base in range(2, 2 + _ROUNDS))


def _is_probable_prime(n: int, base: int) -> bool:
    """Run one round of Miller and Rabin's test."""
    odd = n - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    x = pow(base, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False
