"""RSA for handing secrets to one reader: RSA-OAEP with SHA-256 and MGF1-SHA-256.

Members' encryption keys receive recovery shares, nodes' encryption keys new ledger
secrets.
"""

from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto import encodings
from ccfpy.crypto.encodings import check_affordable

KEY_BITS = 2048
KEY_BITS_MIN = 2048
_OAEP = padding.OAEP(
    mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None
)


class RsaPublicKey:
    """A key to encrypt to."""

    __slots__ = ("_key", "pem")

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        if key.key_size < KEY_BITS_MIN:
            raise Malformed(f"an RSA key of {key.key_size} bits is too short")
        check_affordable(key)
        self._key = key
        self.pem = encodings.public_pem(key)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read PEM SubjectPublicKeyInfo.

        Raises:
            Malformed: it is no RSA key of at least 2048 bits, or a dear one.
        """
        key = encodings.load_public_pem(pem)
        if not isinstance(key, rsa.RSAPublicKey):
            raise Malformed(f"expected an RSA key, found {type(key).__name__}")
        return cls(key)

    @property
    def library_key(self) -> rsa.RSAPublicKey:
        """The key as this package's other files use it."""
        return self._key

    def wrap(self, secret: bytes) -> bytes:
        """Encrypt a secret to this key.

        Raises:
            Malformed: its numbers have the form of a key but make none.
        """
        try:
            return self._key.encrypt(secret, _OAEP)
        except ValueError as error:
            raise Malformed("an RSA key that cannot encrypt") from error


class RsaKeyPair:
    """A private key; its ``repr`` shows nothing of it."""

    __slots__ = ("_key", "public_key")

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.public_key = RsaPublicKey(key.public_key())

    @classmethod
    def generate(cls, entropy: Entropy, bits: int = KEY_BITS) -> Self:
        """Make a key by the entropy port."""
        der = entropy.rsa_private_key(bits)
        return cls(_expect_rsa(encodings.load_private_der(der, is_ours=True)))

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read unencrypted DER PKCS#8.

        Raises:
            Malformed: it is no RSA key.
        """
        return cls(_expect_rsa(encodings.load_private_der(der)))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read an unencrypted PEM private key.

        Raises:
            Malformed: it is no RSA key.
        """
        return cls(_expect_rsa(encodings.load_private_pem(pem)))

    @property
    def pem(self) -> str:
        """PEM PKCS#8, unencrypted."""
        return encodings.private_pem(self._key)

    @property
    def library_key(self) -> rsa.RSAPrivateKey:
        """The key as this package's other files use it."""
        return self._key

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt what was wrapped to this key.

        Raises:
            VerificationFailed: it was not.
        """
        try:
            return self._key.decrypt(wrapped, _OAEP)
        except ValueError as error:
            raise VerificationFailed("not encrypted to this key") from error


def private_key_der(bits: int = KEY_BITS) -> bytes:
    """Make a key with the library's own randomness; give DER PKCS#8.

    For the production entropy port alone: the library takes no bytes to make it from.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return encodings.private_der(key)


def _expect_rsa(key: object) -> rsa.RSAPrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Malformed(f"expected an RSA key, found {type(key).__name__}")
    return key
