"""The keys, certificates and evidence of a node, and its sealed ledger secrets.

A node makes its `NodeIdentity` at boot. It has `ServiceCredentials` when it starts
a service, or when the service that it joins trusts it. Keys are made inside the enclave
from the entropy port and never leave it, except for the service's key, which goes to
trusted joiners.

`PresentedCertificates` says which certificate each interface presents; it may change
while connections live. An interface with the node's own certificate has it at once. An
interface with the service's endorsement has none until the endorsement is committed: a
client must never see a certificate that a failed election could take back.

`Sealing` seals each ledger secret to the platform when the node learns it, and gives it
to the host as a file. Only this program can open the file, on this platform and in this
or a later security version. In a recovery, the newest file that opens and fits the
ledger replaces the members' shares; members still decide whether the service recovers.
A file may hold a secret of a rekey that never became final, or of another service of
the same program. Such a secret is skipped: it does not produce the ledger's commit
evidence, or does not open the earlier secrets.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from ccfpy.attestation import virtual
from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.base import limits
from ccfpy.base.errors import (
    CcfpyError,
    ConfigurationRefused,
    Malformed,
    VerificationFailed,
)
from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.base.ports import Attestation, Entropy, Platform
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import KeepSealedSecret
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.tls import HTTP_1_1, HTTP_2, ServerContext
from ccfpy.ledger.sealed_secret import SealedSecret
from ccfpy.ledger.secrets import LedgerSecret, commit_evidence
from ccfpy.node.outbox import Outbox


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


Contexts = Mapping[bytes, ServerContext]
"""By the protocol that is offered: an interface speaks one."""


class PresentedCertificates:
    """The TLS contexts of a node's interfaces, by who vouches for them."""

    def __init__(self, identity: NodeIdentity) -> None:
        self._identity = identity
        self._by_node = _contexts(identity.self_signed.pem, identity.key.pem)
        self._by_service: Contexts | None = None

    def context_for(
        self, authority: InterfaceAuthority, protocol: bytes
    ) -> ServerContext | None:
        """Return the context for new connections; ``None`` while there is none."""
        match authority:
            case InterfaceAuthority.NODE:
                return self._by_node[protocol]
            case InterfaceAuthority.SERVICE:
                return None if self._by_service is None else self._by_service[protocol]
            case InterfaceAuthority.UNSECURED:
                return None

    def endorsed(self, certificate: Certificate) -> None:
        """Present the service's endorsement from now on."""
        key = self._identity.key.pem
        if self._by_service is None:
            self._by_service = _contexts(certificate.pem, key)
        else:
            _replace(self._by_service, certificate.pem, key)

    def self_signed(self) -> None:
        """Present the node's new self-signed certificate from now on."""
        identity = self._identity
        _replace(self._by_node, identity.self_signed.pem, identity.key.pem)


def _contexts(certificate_pem: str, key_pem: str) -> Contexts:
    return {
        protocol: ServerContext(certificate_pem, key_pem, protocols=(protocol,))
        for protocol in (HTTP_1_1, HTTP_2)
    }


def _replace(contexts: Contexts, certificate_pem: str, key_pem: str) -> None:
    for context in contexts.values():
        context.replace(certificate_pem, key_pem)


class NodeEvidence:
    """Evidence of one node.

    Args:
        platform: makes it; a node that is given none is a virtual one.
        host_data: the digest by which the host named what it started.
    """

    def __init__(self, platform: Platform | None, host_data: bytes) -> None:
        self._attest = virtual.attest if platform is None else platform.attest
        self._host_data = host_data

    def of_node(self, public_key_der: bytes) -> Attestation:
        """Make the evidence that this node joins with, bound to its key."""
        return self._attest(node_report_data(public_key_der), host_data=self._host_data)

    def of_app(self, data: bytes) -> Attestation:
        """Make evidence for the application, bound to its data."""
        return self._attest(app_report_data(data), host_data=self._host_data)


def security_policy_of(configured: bytes) -> str:
    """Return the text of a security policy, as it is hashed and recorded.

    Raises:
        ConfigurationRefused: the file is not base64 of text.
    """
    try:
        return decoded_file(configured, "the security policy").decode()
    except UnicodeDecodeError as error:
        raise ConfigurationRefused("the security policy is not text") from error


def decoded_file(text: bytes, what: str) -> bytes:
    """Return the bytes of a configured file that is written in base64.

    Raises:
        ConfigurationRefused: the file is not base64.
    """
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationRefused(f"cannot read {what}: not base64") from error


@dataclass(eq=False)
class Sealing:
    """What one node seals, and unseals.

    Attributes:
        platform: derives the keys; nothing if this node has none.
        host_data: the digest of the program.
        is_on: seal what this node learns.
    """

    platform: Platform | None
    host_data: bytes
    is_on: bool
    entropy: Entropy
    outbox: Outbox

    def __post_init__(self) -> None:
        self.is_on = self.is_on and self.platform is not None

    def keep(self, version: Seqno, secret: LedgerSecret) -> None:
        """Seal the secret that applies from ``version`` on, if this node seals."""
        platform = self.platform
        if not self.is_on or platform is None:
            return
        tcb_version = platform.tcb_version
        sealed = SealedSecret.seal(
            version,
            secret,
            tcb_version=tcb_version,
            key=self._derive(tcb_version),
            entropy=self.entropy,
        )
        self.outbox.put(KeepSealedSecret(version=version, data=sealed.serialise()))
        self.outbox.info(f"Sealed the ledger secret that applies from {version}")

    def candidates(
        self, files: Sequence[tuple[int, bytes]], *, last: Seqno
    ) -> Iterator[tuple[Seqno, LedgerSecret]]:
        """Return the secrets that open and apply by ``last``, newest first."""
        for version, data in sorted(files, reverse=True):
            if version > last:
                continue
            try:
                if len(data) > limits.SEALED_SECRET_BYTES_MAX:
                    raise Malformed(f"{len(data)} bytes are no sealed secret")
                secret = SealedSecret.parse(data).unseal(version, self._derive)
            except CcfpyError as error:
                self.passed_over(version, error)
                continue
            yield version, secret

    def passed_over(self, version: Seqno, reason: CcfpyError) -> None:
        """Log why a sealed secret is of no use."""
        self.outbox.fail(
            f"Failed to unseal the ledger secret that applies from {version}: {reason}"
        )

    def _derive(self, tcb_version: bytes) -> bytes:
        if self.platform is None:
            raise VerificationFailed("this node's platform seals nothing")
        return self.platform.derived_key(tcb_version, host_data=self.host_data)


def check_evidence(secret: LedgerSecret, tx_id: TxId, digest: bytes) -> None:
    """Check a secret against commit evidence that was written under it.

    Raises:
        VerificationFailed: it was written under another one.
    """
    if sha256(commit_evidence(secret.nonce_key, tx_id)) != digest:
        raise VerificationFailed(f"it is not the ledger secret that wrote {tx_id}")
