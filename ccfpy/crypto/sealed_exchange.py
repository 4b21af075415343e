"""One request and its one answer, sealed end to end to a key that evidence vouches for.

The request is sealed with HPKE to the service's key. Its sender puts a fresh secret in
front of the content, and both sides derive the answer's key from that secret, as
Oblivious HTTP does (RFC 9458, 4.4) from an exported secret. The answer therefore needs
no key of the sender, and only the sender of this request can read the answer. The
layouts are in ``docs/formats/sealed-exchange.md``.

``context`` holds further data on which both sides must agree, such as the key's version
and the purpose of the request. These bytes travel unencrypted, or not at all.
"""

import secrets
from dataclasses import dataclass, field
from typing import Self

from ccfpy.base.errors import Malformed
from ccfpy.base.ports import Entropy
from ccfpy.crypto.aead import IV_BYTES, TAG_BYTES, AesGcm
from ccfpy.crypto.aead import KEY_BYTES as AEAD_KEY_BYTES
from ccfpy.crypto.hashing import DIGEST_BYTES, hkdf_sha256, sha256
from ccfpy.crypto.hpke import KEY_BYTES, HpkeKey, seal

SECRET_BYTES = 32
NONCE_BYTES = 32
"""Of a question for evidence, and of an answer."""
ANSWER_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES

_KEY = b"ccfpy sealed exchange 1 key\0"
_REQUEST = b"ccfpy sealed exchange 1 request\0"
_ANSWER = b"ccfpy sealed exchange 1 answer\0"
_SALT = b"ccfpy sealed exchange 1 salt\0"
_VERSION_BYTES = 8


def key_binding(
    *, nonce: bytes, public_key: bytes, key_version: int, subject: bytes
) -> bytes:
    """Return the value that evidence of a key must be bound to.

    Args:
        nonce: the client's, so that the evidence is no older than the question.
        public_key: to which requests will be sealed.
        key_version: by which both know it.
        subject: the digest of what the key gives access to, such as a model.

    Raises:
        Malformed: one of them has another length than it must.
    """
    for name, value, size in (
        ("nonce", nonce, NONCE_BYTES),
        ("public key", public_key, KEY_BYTES),
        ("subject", subject, DIGEST_BYTES),
    ):
        if len(value) != size:
            raise Malformed(f"a {name} of {size} bytes, not {len(value)}")
    version = key_version.to_bytes(_VERSION_BYTES, "big")
    return _KEY + nonce + public_key + version + subject


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What both sides know once a request is sealed or opened."""

    secret: bytes = field(repr=False)
    request_digest: bytes
    context: bytes

    def answer_key(self, nonce: bytes) -> tuple[AesGcm, bytes]:
        """Derive an answer's key and IV."""
        length = AEAD_KEY_BYTES + IV_BYTES
        derived = hkdf_sha256(
            ikm=self.secret,
            salt=self.request_digest + nonce,
            info=_ANSWER + self.context,
            length=length,
        )
        return AesGcm(derived[:AEAD_KEY_BYTES]), derived[AEAD_KEY_BYTES:]

    def salt(self) -> bytes:
        """Derive what commitments to this exchange are salted with."""
        return hkdf_sha256(
            ikm=self.secret,
            salt=self.request_digest,
            info=_SALT + self.context,
            length=DIGEST_BYTES,
        )


@dataclass(frozen=True, slots=True)
class SealedRequest:
    """A request as its sender has it.

    Attributes:
        message: to be sent.
    """

    message: bytes
    _exchange: _Exchange = field(repr=False)

    @classmethod
    def seal(cls, public_key: bytes, content: bytes, *, context: bytes) -> Self:
        """Seal a request; a second one of the same content is another message.

        Raises:
            Malformed: ``public_key`` is none.
        """
        secret = secrets.token_bytes(SECRET_BYTES)
        message = seal(public_key, secret + content, info=_REQUEST + context)
        return cls(message, _Exchange(secret, sha256(message), context))

    def open_answer(self, answer: bytes) -> bytes:
        """Decrypt the content of the answer to this request.

        Raises:
            Malformed: it is too short to be sealed.
            VerificationFailed: it answers another request, or was changed.
        """
        if len(answer) < ANSWER_OVERHEAD_BYTES:
            raise Malformed(f"a sealed answer of {len(answer)} bytes lacks its header")
        cipher, iv = self._exchange.answer_key(answer[:NONCE_BYTES])
        ciphertext, tag = answer[NONCE_BYTES:-TAG_BYTES], answer[-TAG_BYTES:]
        return cipher.decrypt(iv, ciphertext, tag, b"")

    @property
    def salt(self) -> bytes:
        """32 bytes for commitments to this exchange, known only to both sides.

        A person who is shown these bytes can check a commitment, and can decrypt
        nothing.
        """
        return self._exchange.salt()


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request as its receiver has it.

    Attributes:
        content: what was sealed.
        digest: of the message: the same one again has the same digest.
    """

    content: bytes = field(repr=False)
    _exchange: _Exchange = field(repr=False)

    @classmethod
    def open(cls, key: HpkeKey, message: bytes, *, context: bytes) -> Self:
        """Open a request.

        Raises:
            Malformed: it has not the form of one.
            VerificationFailed: it was sealed to another key or with another context,
                or changed since.
        """
        opened = key.open(message, info=_REQUEST + context)
        if len(opened) < SECRET_BYTES:
            raise Malformed("a sealed request lacks the secret for its answer")
        secret, content = opened[:SECRET_BYTES], opened[SECRET_BYTES:]
        return cls(content, _Exchange(secret, sha256(message), context))

    @property
    def digest(self) -> bytes:
        """The digest of the message."""
        return self._exchange.request_digest

    @property
    def salt(self) -> bytes:
        """What ``SealedRequest.salt`` is to the sender."""
        return self._exchange.salt()

    def seal_answer(self, content: bytes, entropy: Entropy) -> bytes:
        """Seal an answer: its nonce, the ciphertext, the tag.

        A request that is answered twice has two answers of different keys.
        """
        nonce = entropy.random_bytes(NONCE_BYTES)
        cipher, iv = self._exchange.answer_key(nonce)
        ciphertext, tag = cipher.encrypt(iv, content, b"")
        return nonce + ciphertext + tag
