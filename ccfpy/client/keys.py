"""Keys that sign requests and decrypt recovery shares, and such keys in files.

Files are made and named as CCF's ``keygenerator.sh`` does. A member ``member0`` has
``member0_privk.pem`` and ``member0_cert.pem``, its identity, and, for taking part in
recoveries, ``member0_enc_privk.pem`` and ``member0_enc_pubk.pem``; a user has the first
two. Private keys can be read by their owner alone.

Keys that never leave their token or vault are in ``signers``.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import MemberId
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der

SERVICE_CERTIFICATE = "service_cert.pem"
"""The file that holds what clients trust."""
CERTIFICATE_VALIDITY_DAYS = 365
ENCRYPTION_KEY_BITS = 2048
CURVES = {"secp384r1": Curve.SECP384R1, "secp256r1": Curve.SECP256R1}
"""Curves by the names that CCF's ``keygenerator.sh`` takes."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyFileMissing(CcfpyError):
    """A file of a participant is not there or cannot be read."""


class NotAName(CcfpyError):
    """A participant's name that cannot be the beginning of file names."""


class Identity(Protocol):
    """Where the certificate that a client shows lies, and its key."""

    @property
    def name(self) -> str:
        """How people know the participant here."""

    @property
    def certificate(self) -> Path:
        """The certificate."""

    @property
    def private_key(self) -> Path:
        """The certificate's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenFiles:
    """A certificate and its key, each in a file that somebody named."""

    name: str
    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Where the keys of one participant lie."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or self.name.startswith("."):
            raise NotAName(
                f"{self.name!r} cannot name a participant: use letters, digits, "
                "'.', '_' and '-', such as member0"
            )

    @property
    def private_key(self) -> Path:
        """The identity key."""
        return self.folder / f"{self.name}_privk.pem"

    @property
    def certificate(self) -> Path:
        """The identity certificate."""
        return self.folder / f"{self.name}_cert.pem"

    @property
    def encryption_private_key(self) -> Path:
        """The key that opens the member's recovery shares."""
        return self.folder / f"{self.name}_enc_privk.pem"

    @property
    def encryption_public_key(self) -> Path:
        """Its public half, which the service encrypts shares to."""
        return self.folder / f"{self.name}_enc_pubk.pem"


class OsEntropy:
    """The operating system's randomness."""

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` bytes nobody can predict."""
        return os.urandom(count)

    def rsa_private_key(self, bits: int) -> bytes:
        """Make an RSA key; give it as DER PKCS#8."""
        return private_key_der(bits)


def generate_keys(
    files: KeyFiles, *, curve: Curve = Curve.SECP384R1, with_encryption_key: bool
) -> Certificate:
    """Make a participant's keys and write them; give the identity certificate.

    Files of the same names are replaced.
    """
    entropy = OsEntropy()
    key = KeyPair.generate(entropy, curve)
    certificate = node_self_signed(
        key,
        subject=f"CN={files.name}",
        sans=[],
        not_before=datetime.now(tz=UTC),
        validity_days=CERTIFICATE_VALIDITY_DAYS,
        entropy=entropy,
    )
    files.folder.mkdir(parents=True, exist_ok=True)
    write_private(files.private_key, key.pem)
    files.certificate.write_text(certificate.pem)
    if with_encryption_key:
        encryption = RsaKeyPair.generate(entropy, ENCRYPTION_KEY_BITS)
        write_private(files.encryption_private_key, encryption.pem)
        files.encryption_public_key.write_text(encryption.public_key.pem)
    return certificate


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whatever was there before."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def read_text(path: Path) -> str:
    """Read a PEM file.

    Raises:
        KeyFileMissing: it is not there, or not text.
    """
    try:
        return path.read_text()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise KeyFileMissing(f"cannot read {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise KeyFileMissing(f"cannot read {path}: it is not PEM text") from error


def member_id(certificate: Certificate) -> MemberId:
    """Return the id under which a service knows the holder of a certificate."""
    return MemberId(certificate.digest_hex)


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
