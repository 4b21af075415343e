"""The keys a node holds: its own, the service's, and one to be sent secrets under.

A node makes its `NodeIdentity` when it boots. A node that founds a service holds
`ServiceCredentials` at once, and a node that joins one when the service trusts it.

They are made from the entropy port inside the enclave and never leave it, but for the
service's key on its way to a trusted joiner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.endpoints.context import CoseClaims


@dataclass(slots=True, kw_only=True)
class NodeIdentity:
    """This node's signing key, its own certificate for it, and its encryption key.

    Attributes:
        self_signed: presented where the node itself vouches for an interface.
        request: asks for a certificate of the service.
    """

    key: KeyPair
    encryption_key: RsaKeyPair
    subject: str
    sans: Sequence[str]
    self_signed: Certificate
    request: str

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

    def renew_self_signed(self, endorsed: Certificate, entropy: Entropy) -> None:
        """Replace the self-signed certificate by one as long as the endorsement.

        Raises:
            CcfpyError: no certificate can hold for that time.
        """
        lasting = endorsed.not_after - endorsed.not_before + timedelta(seconds=1)
        self.self_signed = certs.node_self_signed(
            self.key,
            subject=self.subject,
            sans=self.sans,
            not_before=endorsed.not_before,
            validity_days=lasting.days,
            entropy=entropy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCredentials:
    """What a node holds when a service trusts it.

    Attributes:
        service: the key and certificate of the service.
        endorsed: the service's certificate for this node's key.
        cose_claims: the claims in the service's COSE signatures.
    """

    service: ServiceIdentity = field(repr=False)
    endorsed: Certificate
    cose_claims: CoseClaims

    def with_service_certificate(self, certificate: Certificate) -> Self:
        """Return the credentials with a new certificate for the service's key."""
        service = replace(self.service, certificate=certificate)
        return replace(self, service=service)
