"""Participants' keys as files, made and named as CCF's ``keygenerator.sh`` does.

A member ``member0`` has ``member0_privk.pem`` and ``member0_cert.pem``, its identity,
and, for taking part in recoveries, ``member0_enc_privk.pem`` and
``member0_enc_pubk.pem``; a user has the first two. Private keys can be read by their
owner alone.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ccfpy.base.errors import CcfpyError
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
