"""Public keys that are dear: a check of one signature by them takes too long.

An RSA key costs by the length of its modulus, and by its exponent once for each bit.
OpenSSL takes exponents as long as the modulus up to 3072 bits, for which a check takes
10 ms instead of 0.03 ms.
"""

from cryptography.hazmat.primitives.asymmetric import dsa, rsa

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX


def check_affordable(key: object) -> None:
    """Refuse a dear public key. Keys of other kinds than these have fixed sizes.

    Args:
        key: of the library.

    Raises:
        Malformed: the key is dear.
    """
    if isinstance(key, rsa.RSAPublicKey):
        check_rsa_numbers(key.public_numbers())
    elif isinstance(key, dsa.DSAPublicKey) and key.key_size > DSA_BITS_MAX:
        raise Malformed(f"a DSA key of {key.key_size} bits is out of range")


def check_rsa_numbers(numbers: rsa.RSAPublicNumbers) -> None:
    """Refuse a dear RSA key by its numbers.

    Raises:
        Malformed: the key is dear.
    """
    bits, exponent_bits = numbers.n.bit_length(), numbers.e.bit_length()
    if bits > RSA_BITS_MAX:
        raise Malformed(f"an RSA key of {bits} bits is out of range")
    if exponent_bits > RSA_EXPONENT_BITS_MAX:
        raise Malformed(f"an RSA key's exponent of {exponent_bits} bits is too long")
