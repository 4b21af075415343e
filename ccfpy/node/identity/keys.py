"""The keys a node holds: its own, the service's, and one to be sent secrets under.

They are made from the entropy port inside the enclave and never leave it, but for the
service's key on its way to a trusted joiner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.crypto.rsa import RsaKeyPair


@dataclass(slots=True, kw_only=True)
class NodeIdentity:
    """This node's signing key, its certificates and its encryption key.

    Attributes:
        self_signed: presented until the service vouches for the node.
        endorsed: the service's certificate for the same key, once it is committed.
    """

    key: KeyPair
    encryption_key: RsaKeyPair
    subject: str
    sans: Sequence[str]
    self_signed: Certificate
    request: str
    endorsed: Certificate | None = None

    @property
    def node_id(self) -> NodeId:
        """The digest of the public key."""
        return NodeId(sha256_hex(self.key.public_key.der))

    @classmethod
    def generate(
        cls,
        entropy: Entropy,
        *,
        curve: Curve,
        subject: str,
        sans: Sequence[str],
        not_before: datetime,
        validity_days: int,
    ) -> Self:
        """Make the keys and a self-signed certificate for ``sans``."""
        key = KeyPair.generate(entropy, curve)
        return cls(
            key=key,
            encryption_key=RsaKeyPair.generate(entropy),
            subject=subject,
            sans=sans,
            self_signed=certs.node_self_signed(
                key,
                subject=subject,
                sans=sans,
                not_before=not_before,
                validity_days=validity_days,
                entropy=entropy,
            ),
            request=certs.certificate_request(key, subject=subject, sans=sans),
        )

    def endorse(self, certificate: Certificate) -> None:
        """Hold the service's certificate for this node's key."""
        self.endorsed = certificate

    def renew_self_signed(self, endorsed: Certificate, entropy: Entropy) -> Certificate:
        """Make a self-signed certificate as long as the service's endorsement."""
        lasting = endorsed.not_after - endorsed.not_before + timedelta(seconds=1)
        return certs.node_self_signed(
            self.key,
            subject=self.subject,
            sans=self.sans,
            not_before=endorsed.not_before,
            validity_days=lasting.days,
            entropy=entropy,
        )


@dataclass(slots=True, kw_only=True)
class ServiceIdentity:
    """The key that trusted nodes share and the certificate users pin."""

    key: KeyPair
    certificate: Certificate

    @classmethod
    def generate(
        cls,
        entropy: Entropy,
        *,
        curve: Curve,
        subject: str,
        not_before: datetime,
        validity_days: int,
    ) -> Self:
        """Make a new service's identity."""
        key = KeyPair.generate(entropy, curve)
        certificate = certs.service_certificate(
            key,
            subject=subject,
            not_before=not_before,
            validity_days=validity_days,
            entropy=entropy,
        )
        return cls(key=key, certificate=certificate)
