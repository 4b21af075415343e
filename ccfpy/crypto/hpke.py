"""HPKE (RFC 9180): bytes sealed so that only one key's owner reads them.

One suite and one mode: X25519, HKDF-SHA256 and AES-256-GCM, base mode, one message of a
context. What both sides must agree on goes into ``info``, from which the message's key
is derived: a message opened with another ``info`` does not open. Nothing goes into the
additional data, for a context with one message gains nothing by it.

Base mode does not authenticate the sender of a message. A repeated message opens again:
a reader that must refuse repeated messages has to remember the messages it has opened.
"""

from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto.aead import TAG_BYTES

KEY_BYTES = 32
"""Of a private key, a public key and an encapsulated one."""
OVERHEAD_BYTES = KEY_BYTES + TAG_BYTES
"""What a sealed message has beyond its content: the encapsulated key and the tag."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class HpkeKey:
    """A private key, which opens what was sealed to its public one.

    Attributes:
        public: the public key's 32 bytes (RFC 7748), for the senders of messages.
    """

    __slots__ = ("_key", "public")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise Malformed(f"an HPKE key of {KEY_BYTES} bytes, not {len(raw)}")
        self._key = x25519.X25519PrivateKey.from_private_bytes(raw)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """Make a key from ``entropy``."""
        return cls(entropy.random_bytes(KEY_BYTES))

    @property
    def raw(self) -> bytes:
        """The private key's 32 bytes, to be kept where no host looks."""
        return self._key.private_bytes_raw()

    def open(self, sealed: bytes, *, info: bytes) -> bytes:
        """Decrypt what was sealed.

        Raises:
            Malformed: it is too short to be sealed.
            VerificationFailed: it was sealed to another key or with another ``info``,
                or changed since.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise Malformed(f"a sealed message of {len(sealed)} bytes lacks its header")
        try:
            return _SUITE.decrypt(sealed, self._key, info)
        except (InvalidTag, ValueError) as error:
            raise VerificationFailed("a sealed message does not open") from error


def seal(public: bytes, content: bytes, *, info: bytes) -> bytes:
    """Seal to a public key: the encapsulated key, the ciphertext, the tag.

    The key that is encapsulated is the library's to make, new each time.

    Raises:
        Malformed: ``public`` is no key to which anything can be sealed.
    """
    if len(public) != KEY_BYTES:
        raise Malformed(f"a public HPKE key of {KEY_BYTES} bytes, not {len(public)}")
    try:
        key = x25519.X25519PublicKey.from_public_bytes(public)
        return _SUITE.encrypt(content, key, info)
    except ValueError as error:
        raise Malformed("a point to which nothing can be sealed") from error
