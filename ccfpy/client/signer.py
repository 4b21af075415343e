"""Who signs a request: a key in a file, or one that never leaves where it is."""

from pathlib import Path
from typing import Protocol, Self

from ccfpy.base.errors import VerificationFailed
from ccfpy.client.keyfiles import KeyFiles, read_text
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair


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
        """Sign; give ``r || s``."""
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
