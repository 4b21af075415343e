"""Keys that sign requests and decrypt recovery shares, wherever they are kept.

Keys in files are here; keys that never leave their token or vault are in ``signers``.
"""

from pathlib import Path
from typing import Protocol, Self

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.client.keyfiles import KeyFiles, read_text
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.rsa import RsaKeyPair


class KeyUnusable(CcfpyError):
    """A key cannot be used where it is kept; the text says what to do about it."""


class Signer(Protocol):
    """A participant's identity key, wherever it is kept: a file, a token, a vault.

    ``sign`` is called once for each request, with the bytes that COSE says are to be
    signed. What it gives must verify under the certificate's key and its curve's hash.
    """

    @property
    def certificate(self) -> Certificate:
        """The certificate that the service knows the participant by."""
        ...

    async def sign(self, to_be_signed: bytes) -> bytes:
        """Sign; give ``r || s``.

        Raises:
            VerificationFailed: what was given is no signature of the certificate's key.
            KeyUnusable: the key is not there, or refuses.
        """
        ...


class FileSigner:
    """A key in a PEM file, read once."""

    __slots__ = ("_key", "certificate")

    def __init__(self, *, certificate: Certificate, key: KeyPair) -> None:
        if certificate.public_key != key.public_key:
            raise VerificationFailed(
                f"the private key is not that of the certificate {certificate.subject}"
            )
        self.certificate = certificate
        self._key = key

    @classmethod
    def load(cls, files: KeyFiles) -> Self:
        """Read a participant's files.

        Raises:
            KeyFileMissing: one of them is not there.
            Malformed: one of them is not what its name says.
            VerificationFailed: the key is not that of the certificate.
        """
        return cls.read(certificate=files.certificate, private_key=files.private_key)

    @classmethod
    def read(cls, *, certificate: Path, private_key: Path) -> Self:
        """Read a certificate and its key by path; raises as ``load``."""
        return cls(
            certificate=Certificate.from_pem(read_text(certificate)),
            key=KeyPair.from_pem(read_text(private_key)),
        )

    async def sign(self, to_be_signed: bytes) -> bytes:
        """Sign under the curve's hash; give ``r || s``."""
        return self._key.sign_raw(to_be_signed)


class ShareDecrypter(Protocol):
    """A member's encryption key, wherever it is kept."""

    async def decrypt(self, wrapped: bytes) -> bytes:
        """Decrypt a recovery share, which the service encrypted to this key.

        Raises:
            VerificationFailed: it is not encrypted to this key.
            KeyUnusable: the key is not there, or refuses.
        """
        ...


class FileDecrypter:
    """An RSA key in a PEM file, read once."""

    __slots__ = ("_key",)

    def __init__(self, key: RsaKeyPair) -> None:
        self._key = key

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            KeyFileMissing: it is not there.
            Malformed: it holds no RSA key.
        """
        return cls(RsaKeyPair.from_pem(read_text(path)))

    async def decrypt(self, wrapped: bytes) -> bytes:
        """Decrypt; raises ``VerificationFailed`` as others do."""
        return self._key.unwrap(wrapped)
