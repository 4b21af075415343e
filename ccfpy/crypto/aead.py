"""AES-256-GCM, and CCF's blob of it: tag, IV, ciphertext.

The caller chooses every IV: ledger entries use their transaction id, blobs a fresh
random one. Nothing here makes a nonce, so nothing here can repeat one unnoticed.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from ccfpy.base.errors import Malformed, VerificationFailed

KEY_BYTES = 32
IV_BYTES = 12
TAG_BYTES: Final = 16


class AesGcm:
    """One key, ready to use many times; making the object costs more than a call."""

    __slots__ = ("_decrypt", "_encrypt")

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES, len(key)
        cipher = AESGCM(key)
        self._encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt

    def encrypt(self, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
        """Encrypt; give the ciphertext and the tag over it and ``aad``."""
        sealed: bytes = self._encrypt(iv, plaintext, aad)
        return sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]

    def decrypt(self, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
        """Check the tag and decrypt.

        Raises:
            VerificationFailed: the key, or a byte of any argument, is not the one used.
        """
        try:
            return self._decrypt(iv, ciphertext + tag, aad)
        except InvalidTag as error:
            raise VerificationFailed("AES-GCM tag does not match") from error


class GcmEncryption:
    """One encryption whose input comes in pieces: first all ``aad``, then the rest."""

    __slots__ = ("_encryptor",)

    def __init__(self, key: bytes, iv: bytes) -> None:
        assert len(key) == KEY_BYTES, len(key)
        self._encryptor = Cipher(AES(key), GCM(iv)).encryptor()

    def authenticate(self, aad: bytes) -> None:
        """Add a piece of what is authenticated and not encrypted."""
        self._encryptor.authenticate_additional_data(aad)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt a piece of the plaintext; return as much ciphertext."""
        return self._encryptor.update(plaintext)

    def finish(self) -> bytes:
        """End it; give the tag."""
        self._encryptor.finalize()
        return self._encryptor.tag


def seal_blob(key: bytes, plaintext: bytes, *, iv: bytes, aad: bytes = b"") -> bytes:
    """Encrypt to CCF's ``GcmCipher``: tag, IV, ciphertext (``src/crypto``)."""
    ciphertext, tag = AesGcm(key).encrypt(iv, plaintext, aad)
    return tag + iv + ciphertext


def open_blob(key: bytes, blob: bytes, *, aad: bytes = b"") -> bytes:
    """Decrypt a ``GcmCipher``.

    Raises:
        Malformed: too short to be one.
        VerificationFailed: it does not open.
    """
    if len(blob) < TAG_BYTES + IV_BYTES:
        raise Malformed(f"an encrypted blob of {len(blob)} bytes lacks its header")
    tag, iv = blob[:TAG_BYTES], blob[TAG_BYTES : TAG_BYTES + IV_BYTES]
    return AesGcm(key).decrypt(iv, blob[TAG_BYTES + IV_BYTES :], tag, aad)
