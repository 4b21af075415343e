"""Interception of cryptography for the time of a run, where a node has no port.

* Every AES-GCM encryption is seen: a key and an IV serve for one plaintext only.
* RSA-OAEP draws its padding from a stream of its own, so that a seed repeats what is
  sent to members and nodes byte for byte. The library takes no padding from outside.
* RSA keys come from a pool, because making one takes longer than a whole run.
* Nodes keep little of the ledger in memory, because a run is short: what is older comes
  from their hosts, as in a long life.

The interception changes classes that ship and restores them at its end: it is for
simulations only. The library's own decryption reads what is encrypted here.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ccfpy.base import limits
from ccfpy.crypto import aead
from ccfpy.crypto.hashing import DIGEST_BYTES, sha256
from ccfpy.crypto.rsa import KEY_BITS, RsaKeyPair, RsaPublicKey
from ccfpy.testing.entropy import SeededEntropy
from tests.lab.invariants.violated import Violated

KEYS = 3
"""How many RSA keys there are. Nodes share them: making one takes a second."""
_COUNTER_BYTES = 4
_RECENT_BYTES = 20_000
_RECEIPT_WINDOW_TX = 60


@cache
def pooled_key(number: int) -> RsaKeyPair:
    """Return the RSA key of this number, always the same."""
    entropy = SeededEntropy(b"pooled RSA key %d" % number)
    return RsaKeyPair.from_der(entropy.rsa_private_key(KEY_BITS))


@dataclass(slots=True)
class Interception:
    """What nodes encrypted, and the padding and the keys that they are given.

    Attributes:
        padding: the stream of OAEP's seeds.
        seals: by key and IV, a digest of what was encrypted under them.
        keys: how many pooled keys were handed out.
    """

    padding: SeededEntropy
    seals: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    keys: int = 0

    def note(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> None:
        """Record an encryption.

        Raises:
            Violated: the same key and IV served for something else.
        """
        content = sha256(len(aad).to_bytes(8, "little") + aad + plaintext)
        if self.seals.setdefault((key, iv), content) != content:
            raise Violated("NonceOnce", f"IV {iv.hex()} sealed two plaintexts")

    def next_key(self) -> RsaKeyPair:
        """Return an RSA key for one more node."""
        self.keys += 1
        return pooled_key(self.keys % KEYS)


@contextmanager
def interception(seed: int) -> Iterator[Interception]:
    """Intercept the cryptography of every node until the block ends."""
    intercepted = Interception(SeededEntropy(b"padding %d" % seed))

    def generate(_cls: type, _entropy: object, _bits: int = KEY_BITS) -> RsaKeyPair:
        return intercepted.next_key()

    def wrap(key: RsaPublicKey, secret: bytes) -> bytes:
        return _wrapped(key, secret, intercepted.padding.random_bytes(DIGEST_BYTES))

    with ExitStack() as stack:
        for place, name, instead in (
            (aead, "AESGCM", _seen_cipher(intercepted)),
            (aead, "Cipher", _seen_stream(intercepted)),
            (RsaPublicKey, "wrap", wrap),
            (RsaKeyPair, "generate", classmethod(generate)),
            (limits, "RECENT_ENTRIES_BYTES_MAX", _RECENT_BYTES),
            (limits, "RECEIPT_WINDOW_TX", _RECEIPT_WINDOW_TX),
        ):
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, instead)
        yield intercepted


# The library's classes are private to `ccfpy.crypto`; here they are any.


def _seen_cipher(intercepted: Interception) -> Any:  # noqa: ANN401
    library: Any = vars(aead)["AESGCM"]

    class Seen:
        """The library's one-shot cipher, watched."""

        def __init__(self, key: bytes) -> None:
            self._key = bytes(key)
            self._cipher = library(key)
            self.decrypt = self._cipher.decrypt

        def encrypt(self, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
            """Record and encrypt."""
            intercepted.note(self._key, iv, plaintext, aad)
            sealed: bytes = self._cipher.encrypt(iv, plaintext, aad)
            return sealed

    return Seen


def _seen_stream(intercepted: Interception) -> Any:  # noqa: ANN401
    library: Any = vars(aead)["Cipher"]

    class Seen:
        """The library's cipher of pieces, watched."""

        def __init__(self, algorithm: Any, mode: Any) -> None:  # noqa: ANN401
            self._key = bytes(algorithm.key)
            self._iv = bytes(mode.initialization_vector)
            self._cipher = library(algorithm, mode).encryptor()
            self._aad: list[bytes] = []
            self._plaintext: list[bytes] = []

        def encryptor(self) -> "Seen":
            """Return this object, which encrypts."""
            return self

        def authenticate_additional_data(self, aad: bytes) -> None:
            """Add bytes that are authenticated only."""
            self._aad.append(aad)
            self._cipher.authenticate_additional_data(aad)

        def update(self, plaintext: bytes) -> bytes:
            """Encrypt a piece."""
            self._plaintext.append(plaintext)
            sealed: bytes = self._cipher.update(plaintext)
            return sealed

        def finalize(self) -> None:
            """Finish, and record the whole encryption."""
            plaintext, aad = b"".join(self._plaintext), b"".join(self._aad)
            intercepted.note(self._key, self._iv, plaintext, aad)
            self._cipher.finalize()

        @property
        def tag(self) -> bytes:
            """The tag."""
            tag: bytes = self._cipher.tag
            return tag

    return Seen


def _wrapped(key: RsaPublicKey, secret: bytes, seed: bytes) -> bytes:
    """Encrypt by RSA-OAEP (RFC 8017, 7.1.1) with this seed."""
    numbers = key.library_key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    zeros = bytes(size - len(secret) - 2 * DIGEST_BYTES - 2)
    block = sha256(b"") + zeros + b"\x01" + secret
    masked_block = _xor(block, _mask(seed, len(block)))
    masked_seed = _xor(seed, _mask(masked_block, DIGEST_BYTES))
    message = int.from_bytes(masked_seed + masked_block, "big")
    return pow(message, numbers.e, numbers.n).to_bytes(size, "big")


def _mask(seed: bytes, count: int) -> bytes:
    """MGF1 with SHA-256."""
    blocks = -(-count // DIGEST_BYTES)
    return b"".join(
        sha256(seed + at.to_bytes(_COUNTER_BYTES, "big")) for at in range(blocks)
    )[:count]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
