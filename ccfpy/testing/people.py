"""Members and users for tests: their keys follow from their names."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ccfpy.boundary.configuration import FoundingMember
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.entropy import SeededEntropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member or user: a key, its certificate, and for members a key for shares.

    Attributes:
        name: of this person in tests.
        data: what governance keeps beside the certificate, as JSON text.
    """

    key: KeyPair
    certificate: Certificate
    encryption_key: RsaKeyPair | None = None
    name: str = ""
    data: bytes | None = None

    @property
    def id(self) -> str:
        """The digest that names this person in a service."""
        return self.certificate.digest_hex

    @classmethod
    def make(cls, seed: str, *, can_recover: bool = False) -> "Person":
        """Make the person of this name, always the same."""
        entropy = SeededEntropy(seed.encode())
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = certs.node_self_signed(
            key,
            subject=f"CN={seed}",
            sans=(),
            not_before=datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC),
            validity_days=3650,
            entropy=entropy,
        )
        encryption_key = RsaKeyPair.generate(entropy) if can_recover else None
        return cls(
            key=key, certificate=certificate, encryption_key=encryption_key, name=seed
        )

    def founding(self) -> FoundingMember:
        """Describe this person as a founding member."""
        key = self.encryption_key
        return FoundingMember(
            certificate=self.certificate.pem.encode(),
            encryption_public_key=key.public_key.pem.encode() if key else None,
            data=self.data,
        )
