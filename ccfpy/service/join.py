"""Which nodes may join the service, and what such a node gets.

The rules, which must all hold before a node gets anything secret
(``src/node/rpc/node_frontend.h``):

1. The node proved by TLS to hold the key that its evidence is about, and that its
   certificate request is for; its id is the digest of that key.
2. Its evidence is what the service's tables allow.
3. No trusted node has its address. A pending node may claim any address: the address is
   checked again when members trust the node.
4. The service opens or recovers, so its members cannot vote yet; or else its members
   trusted this node by a vote. The vote need not be committed: this node may be needed
   to commit it.

A node that asks again gets its status, and the secrets up to the time it was trusted:
later ones are sent to it through the ledger.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.service.evidence.quotes import verify_quote
from ccfpy.service.join_messages import (
    CoseSignaturesConfig,
    JoinRequest,
    JoinResponse,
    NetworkInfo,
    SharedIdentity,
)
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NodeInfo

_TRUSTING = frozenset({ServiceStatus.OPENING, ServiceStatus.RECOVERING})
"""In these statuses of the service, a node that may join is trusted at once."""


class JoinFault(StrEnum):
    """Why a node may not join: the codes of the answer."""

    STARTUP_SEQNO_IS_OLD = "StartupSeqnoIsOld"
    NODE_ALREADY_EXISTS = "NodeAlreadyExists"
    CSR_PUBLIC_KEY_INVALID = "CSRPublicKeyInvalid"
    INVALID_NODE_STATE = "InvalidNodeState"
    INVALID_INPUT = "InvalidInput"
    NO_SERVICE = "InternalError"


class JoinRefused(CcfpyError):
    """A request to join that breaks a rule."""

    def __init__(self, fault: JoinFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Joiner:
    """The node that asks to join, by its TLS certificate.

    Attributes:
        certificate: self-signed; the node holds its key.
    """

    certificate: Certificate
    public_key: PublicKey

    @classmethod
    def of(cls, certificate: Certificate) -> "Joiner":
        """Return the joiner with this TLS certificate.

        Raises:
            JoinRefused: nodes have no keys of this kind.
        """
        try:
            return cls(certificate=certificate, public_key=certificate.public_key)
        except CcfpyError as error:
            raise JoinRefused(JoinFault.INVALID_INPUT, str(error)) from error

    @property
    def node_id(self) -> NodeId:
        """The digest of the key."""
        return NodeId(sha256_hex(self.public_key.der))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What this node can hand over to a trusted node.

    Attributes:
        is_public_only: the service's private state is still sealed.
        last_recovered_seqno: where recovery of the public state ended; 0 without.
    """

    key: KeyPair
    certificate: Certificate
    secrets: LedgerSecrets
    cose_signatures: CoseSignaturesConfig
    entropy: Entropy
    is_public_only: bool = False
    last_recovered_seqno: Seqno = 0


def check_startup(request: JoinRequest, startup_seqno: Seqno) -> None:
    """Check that this node has the ledger from the joiner's first seqno on.

    Raises:
        JoinRefused: the joiner must start from a newer snapshot.
    """
    begins = request.startup_seqno
    if begins is not None and startup_seqno > begins:
        raise JoinRefused(
            JoinFault.STARTUP_SEQNO_IS_OLD,
            f"Node requested to join from seqno {begins} which is older than this "
            f"node startup seqno {startup_seqno}. A snapshot at least as recent as "
            f"{startup_seqno} must be used instead.",
        )


def answer_known(tx: Tx, joiner: Joiner, handover: Handover) -> JoinResponse | None:
    """Return the answer to a node that asked before; ``None`` to a new one.

    Raises:
        JoinRefused: there is no service, or the node is retired.
    """
    status = _status(tx)
    node_id = joiner.node_id
    info = nodes.INFO.of(tx).get(node_id)
    if info is None:
        return None
    if info.status is NodeStatus.RETIRED:
        raise JoinRefused(
            JoinFault.INVALID_NODE_STATE,
            f"Joining node is not in expected state ({info.status}).",
        )
    if info.status is NodeStatus.PENDING:
        return JoinResponse(node_status=NodeStatus.PENDING, node_id=node_id)
    return JoinResponse(
        node_status=NodeStatus.TRUSTED,
        node_id=node_id,
        network_info=_network_info(
            tx,
            handover,
            up_to=info.ledger_secret_seqno,
            status=status,
            endorsed=nodes.ENDORSED_CERTIFICATES.of(tx).get(node_id),
        ),
    )


def admit(
    tx: Tx,
    request: JoinRequest,
    joiner: Joiner,
    handover: Handover,
    *,
    unix_time_s: int,
) -> JoinResponse:
    """Record a new node; only the primary may do this.

    Args:
        tx: the transaction that reads the policy and records the node.
        request: what the node says.
        joiner: what the node proved.
        handover: what the node gets once it is trusted.
        unix_time_s: the time at which its endorsements must be valid.

    Raises:
        JoinRefused: the node breaks a rule.
        QuoteRefused: the policy does not allow its evidence.
    """
    service_status = _status(tx)
    _check_address(tx, request)
    public_key = joiner.public_key
    measurement = verify_quote(
        tx,
        request.quote_info,
        public_key_der=public_key.der,
        unix_time_s=unix_time_s,
    )
    _check_keys(request, public_key)
    is_trusted = service_status in _TRUSTING
    status = NodeStatus.TRUSTED if is_trusted else NodeStatus.PENDING
    version, _ = handover.secrets.latest
    node_id = joiner.node_id
    network = request.node_info_network
    nodes.INFO.of(tx).put(
        node_id,
        NodeInfo(
            node_to_node_interface=network.node_to_node_interface,
            rpc_interfaces=network.rpc_interfaces,
            will_locally_seal_ledger_secrets=network.will_locally_seal_ledger_secrets,
            quote_info=request.quote_info,
            encryption_pub_key=request.public_encryption_key,
            status=status,
            ledger_secret_seqno=version if is_trusted else None,
            code_digest=measurement.hex(),
            certificate_signing_request=request.certificate_signing_request,
            public_key=public_key.pem,
            node_data=request.node_data,
        ),
    )
    if not is_trusted:
        return JoinResponse(node_status=status, node_id=node_id)
    endorsed = _endorse(request, joiner, handover)
    nodes.ENDORSED_CERTIFICATES.of(tx).put(node_id, endorsed)
    return JoinResponse(
        node_status=status,
        node_id=node_id,
        network_info=_network_info(
            tx, handover, up_to=None, status=service_status, endorsed=endorsed
        ),
    )


def _status(tx: Tx) -> ServiceStatus:
    info = service.INFO.of(tx).get()
    if info is None:
        raise JoinRefused(
            JoinFault.NO_SERVICE, "No service is available to accept new node."
        )
    return info.status


def _check_address(tx: Tx, request: JoinRequest) -> None:
    address = request.node_info_network.node_to_node_interface.published_address
    for node_id, info in nodes.INFO.of(tx).items():
        if (
            info.status is NodeStatus.TRUSTED
            and info.node_to_node_interface.published_address == address
        ):
            raise JoinRefused(
                JoinFault.NODE_ALREADY_EXISTS,
                f"A node with the same published node address {address} already "
                f"exists (node id: {node_id}).",
            )


def _check_keys(request: JoinRequest, public_key: PublicKey) -> None:
    """Check the keys that a later rekey or endorsement needs.

    CCF accepts a node without a certificate request, for releases before 2.0, and any
    text as its encryption key.
    """
    wanted = request.certificate_signing_request
    try:
        matches = wanted is not None and certs.request_public_key(wanted) == public_key
    except CcfpyError:
        matches = False
    if not matches:
        raise JoinRefused(
            JoinFault.CSR_PUBLIC_KEY_INVALID,
            "Public key in CSR does not match TLS client identity.",
        )
    try:
        RsaPublicKey.from_pem(request.public_encryption_key)
    except CcfpyError as error:
        raise JoinRefused(
            JoinFault.INVALID_INPUT, f"public_encryption_key: {error}"
        ) from error


def _endorse(request: JoinRequest, joiner: Joiner, handover: Handover) -> str:
    """Endorse a node's certificate for the validity that its operator set."""
    own = joiner.certificate
    lasting = own.not_after - own.not_before + timedelta(seconds=1)
    wanted = request.certificate_signing_request
    assert wanted is not None, "it was checked"
    try:
        return certs.endorse_request(
            wanted,
            issuer_key=handover.key,
            issuer_cert=handover.certificate,
            not_before=own.not_before,
            validity_days=lasting.days,
            entropy=handover.entropy,
        ).pem
    except CcfpyError as error:
        raise JoinRefused(JoinFault.INVALID_INPUT, str(error)) from error


def _network_info(
    tx: Tx,
    handover: Handover,
    *,
    up_to: Seqno | None,
    status: ServiceStatus,
    endorsed: str | None,
) -> NetworkInfo:
    # A rekey in the meantime must make this transaction conflict.
    recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    return NetworkInfo(
        public_only=handover.is_public_only,
        last_recovered_signed_idx=handover.last_recovered_seqno,
        ledger_secrets=LedgerSecrets(
            (version, secret)
            for version, secret in handover.secrets
            if up_to is None or version <= up_to
        ),
        identity=SharedIdentity(
            cert=handover.certificate.pem, priv_key=handover.key.pem
        ),
        service_status=status,
        endorsed_certificate=endorsed,
        cose_signatures_config=handover.cose_signatures,
    )
