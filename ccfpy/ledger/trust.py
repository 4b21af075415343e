"""Whom a ledger lets sign, learnt from the ledger itself while it is read.

A ledger names its service's key, its nodes and their certificates in public tables.
Reading transactions in order, this keeps what holds at each, and refuses what CCF's
auditors refuse: a service status that cannot follow the one before, a service key that
changes without a recovery, a certificate the service did not issue, a signature by a
node that was not trusted. It trusts the first service it sees; a caller that knows the
service's certificate must compare it with the service that was found.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ccfpy.base.codec import buf
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.schema import parse_json
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.ledger import record
from ccfpy.ledger.identity_endorsement import IdentityEndorsement
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    IDENTITY_ENDORSEMENT,
    LAST_SIGNED_ROOT,
    NODE_CERTIFICATES,
    NODES_INFO,
    PREVIOUS_IDENTITY,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
    single_value,
)

TABLES = frozenset(
    (
        SERVICE_INFO,
        NODES_INFO,
        NODE_CERTIFICATES,
        PREVIOUS_IDENTITY,
        LAST_SIGNED_ROOT,
        IDENTITY_ENDORSEMENT,
        SIGNATURES,
        COSE_SIGNATURES,
    )
)
"""All that is looked at here; a transaction that writes none of them says nothing."""


_FOLLOWS: Mapping[ServiceStatus, frozenset[ServiceStatus]] = {
    ServiceStatus.OPENING: frozenset(
        (ServiceStatus.OPEN, ServiceStatus.WAITING_FOR_RECOVERY_SHARES)
    ),
    ServiceStatus.OPEN: frozenset((ServiceStatus.RECOVERING,)),
    ServiceStatus.RECOVERING: frozenset((ServiceStatus.WAITING_FOR_RECOVERY_SHARES,)),
    ServiceStatus.WAITING_FOR_RECOVERY_SHARES: frozenset((ServiceStatus.OPEN,)),
}
"""What may follow each status, besides itself, while the service keeps its key."""

_NEW_IDENTITY = frozenset((ServiceStatus.OPENING, ServiceStatus.RECOVERING))
"""The statuses with which a service appears under a new key; since a disaster can
strike at any time, also in the middle of a recovery, they may follow any."""


def may_follow(
    before: ServiceStatus | None, after: ServiceStatus, *, is_new_identity: bool
) -> bool:
    """Return whether a service may go from one status to another.

    ``Opening`` may follow any status, as in CCF's auditors.
    """
    if before is None:
        return True
    if is_new_identity:
        return after in _NEW_IDENTITY
    return after in (before, ServiceStatus.OPENING) or after in _FOLLOWS[before]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ServiceInfo:
    """What matters here of a value of ``public:ccf.gov.service.info``."""

    status: ServiceStatus
    cert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _NodeInfo:
    """What matters here of a value of ``public:ccf.gov.nodes.info``.

    Attributes:
        cert: the node's own, self-signed; only CCF 1 kept it here.
    """

    status: NodeStatus
    cert: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCheck:
    """A signature over a root, and the key that must have made it.

    Attributes:
        signature: the signature.
        key: the key of the node or the service.
        root: the root.
    """

    signature: NodeSignature | CoseSignature
    key: PublicKey
    root: bytes

    def verify(self) -> None:
        """Check that the key made the signature.

        Raises:
            VerificationFailed: it did not.
        """
        if isinstance(self.signature, NodeSignature):
            self.signature.verify(self.key)
        else:
            self.signature.verify(self.key, self.root)

    @property
    def digest(self) -> bytes:
        """What stands for this very check, so that it need not be made twice."""
        if isinstance(self.signature, NodeSignature):
            kind, signed = b"node", self.signature.signature
        else:
            kind, signed = b"service", self.signature.data
        return sha256(b"".join(map(buf, (kind, self.key.der, self.root, signed))))


@dataclass(slots=True, kw_only=True)
class LedgerTrust:
    """The nodes and services that may sign, from the transactions read so far.

    Attributes:
        status: the service's status.
        service: its certificate.
        previous_service: the certificate before the last recovery.
        nodes: each node's status.
        certificates: each node's certificate.
    """

    status: ServiceStatus | None = None
    service: Certificate | None = None
    previous_service: Certificate | None = None
    nodes: dict[NodeId, NodeStatus] = field(default_factory=dict)
    certificates: dict[NodeId, Certificate] = field(default_factory=dict)

    @classmethod
    def resume(cls, state: WriteSet) -> Self:
        """Apply a whole state, which the caller has verified.

        Args:
            state: public tables; unrelated tables are ignored.

        Raises:
            Malformed: a record has not its form, or there is no service.
        """
        value = single_value(state, SERVICE_INFO)
        if value is None:
            raise Malformed("a state without a service")
        info = parse_json(_ServiceInfo, value)
        trust = cls(status=info.status, service=Certificate.from_pem(info.cert))
        previous = single_value(state, PREVIOUS_IDENTITY)
        if previous is not None:
            trust.previous_service = Certificate.from_pem(parse_json(str, previous))
        trust._apply_nodes(state.get(NODES_INFO, {}))
        for key, pem in state.get(NODE_CERTIFICATES, {}).items():
            if pem is not None:
                # Some are by services before this one.
                trust.certificates[_node_id(key)] = Certificate.from_pem(_pem(pem))
        return trust

    def copy(self) -> Self:
        """Return a copy that changes independently."""
        return replace(
            self, nodes=dict(self.nodes), certificates=dict(self.certificates)
        )

    def apply(self, write_set: WriteSet, *, last_root: bytes | None) -> None:
        """Apply a transaction's public changes.

        Args:
            write_set: the changes.
            last_root: the root that the last signature before them signed.

        Raises:
            VerificationFailed: they break a rule.
            Malformed: a record has not its form.
        """
        if SERVICE_INFO in write_set:
            self._apply_service(write_set[SERVICE_INFO])
        if NODES_INFO in write_set:
            self._apply_nodes(write_set[NODES_INFO])
        if NODE_CERTIFICATES in write_set:
            self._apply_certificates(write_set[NODE_CERTIFICATES])
        if PREVIOUS_IDENTITY in write_set:
            self._check_previous(write_set[PREVIOUS_IDENTITY])
        if LAST_SIGNED_ROOT in write_set:
            _check_last_root(write_set[LAST_SIGNED_ROOT], last_root)
        if IDENTITY_ENDORSEMENT in write_set:
            self._check_endorsement(write_set[IDENTITY_ENDORSEMENT])

    def verify_signature(
        self, write_set: WriteSet, root: bytes, verified: Collection[bytes] = ()
    ) -> list[str]:
        """Verify every signature of a transaction; return the txids they name.

        Args:
            write_set: the transaction's writes.
            root: the root that the signatures must sign.
            verified: digests of checks that are known to hold already.

        Raises:
            VerificationFailed: a signature is not by who may sign, or does not hold.
            Malformed: a record has not its form.
        """
        named = []
        for check in self.checks(write_set, root):
            if not verified or check.digest not in verified:
                check.verify()
            named.append(str(check.signature.txid))
        return named

    def checks(self, write_set: WriteSet, root: bytes) -> Iterator[SignatureCheck]:
        """Yield each signature of a transaction with the key that must verify it.

        The caller must have verified one signature before it takes the next.

        Raises:
            VerificationFailed: one is not by who may sign.
            Malformed: a record has not its form.
        """
        by_node = by_service = None
        value = single_value(write_set, SIGNATURES)
        if value is not None:
            by_node = NodeSignature.parse(value)
            if by_node.root != root:
                raise VerificationFailed(
                    f"the node signed the root {by_node.root.hex()}"
                )
            key = self._signing_node(by_node).public_key
            yield SignatureCheck(signature=by_node, key=key, root=root)
        value = single_value(write_set, COSE_SIGNATURES)
        if value is not None:
            by_service = CoseSignature.parse(value)
            if self.service is None:
                raise VerificationFailed(
                    "a service signature before there is a service"
                )
            key = self.service.public_key
            yield SignatureCheck(signature=by_service, key=key, root=root)
        if by_node is None and by_service is None:
            raise Malformed("a signature transaction without a signature")

    def _signing_node(self, signature: NodeSignature) -> Certificate:
        status = self.nodes.get(signature.node)
        if status in (None, NodeStatus.PENDING):
            raise VerificationFailed(
                f"signed by node {signature.node}, which is {status or 'unknown'}"
            )
        certificate = self.certificates.get(signature.node)
        if certificate is None:
            raise VerificationFailed(f"node {signature.node} has no certificate")
        if signature.certificate not in (None, certificate.pem):
            shown = Certificate.from_pem(signature.certificate)
            if shown.public_key.der != certificate.public_key.der:
                raise VerificationFailed(
                    f"the signature shows another key for node {signature.node}"
                )
            if shown != certificate and self.service is not None:
                # A renewed certificate is in the table before the node shows it.
                shown.verify_signed_by(self.service)
        return certificate

    def _apply_service(self, writes: Writes) -> None:
        value = writes.get(SINGLE_KEY)
        if value is None:
            raise VerificationFailed("the service's own record was removed")
        info = parse_json(_ServiceInfo, value)
        status, certificate = info.status, Certificate.from_pem(info.cert)
        known = self.service
        renewed = (
            known is not None and known.public_key.der != certificate.public_key.der
        )
        if not may_follow(self.status, status, is_new_identity=renewed):
            with_key = " under a new key" if renewed else ""
            raise VerificationFailed(
                f"a service that was {self.status} became {status}{with_key}"
            )
        if renewed:
            self.previous_service = known
        self.service, self.status = certificate, status

    def _apply_nodes(self, writes: Writes) -> None:
        for key, value in writes.items():
            node = _node_id(key)
            if value is None:
                self.nodes.pop(node, None)
                continue
            info = parse_json(_NodeInfo, value)
            self.nodes[node] = info.status
            if info.cert:
                self.certificates[node] = Certificate.from_pem(info.cert)

    def _apply_certificates(self, writes: Writes) -> None:
        for key, value in writes.items():
            node = _node_id(key)
            if value is None:
                self.certificates.pop(node, None)
                continue
            certificate = Certificate.from_pem(_pem(value))
            if self.service is None:
                raise VerificationFailed(
                    "a node's certificate before there is a service"
                )
            certificate.verify_signed_by(self.service)
            self.certificates[node] = certificate

    def _check_previous(self, writes: Writes) -> None:
        value = writes.get(SINGLE_KEY)
        if value is None:
            return
        stated = Certificate.from_pem(parse_json(str, value))
        known = self.previous_service
        if known is not None and known.public_key.der != stated.public_key.der:
            raise VerificationFailed(
                "the recovery names another previous service identity than the ledger's"
            )

    def _check_endorsement(self, writes: Writes) -> None:
        value = writes.get(SINGLE_KEY)
        if value is None:
            return
        endorsement = IdentityEndorsement.parse(value)
        endorsement.verify()
        current = None if self.service is None else self.service.public_key.der
        if endorsement.endorsing_key != current:
            raise VerificationFailed("an identity endorsement by another service's key")
        previous = self.previous_service
        known = (current, previous.public_key.der if previous is not None else None)
        if endorsement.endorsed_key not in known:
            raise VerificationFailed("an identity endorsement of an unknown key")


def _check_last_root(writes: Writes, last_root: bytes | None) -> None:
    value = writes.get(SINGLE_KEY)
    if value is None:
        return
    stated = parse_json(str, value)
    if last_root is not None and record.parse_digest(stated, "root") != last_root:
        raise VerificationFailed(
            f"the last signed root is recorded as {stated}, not as {last_root.hex()}"
        )


def _node_id(key: bytes) -> NodeId:
    try:
        return NodeId(key.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Malformed(f"not a node id: {key!r}") from error


def _pem(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("a node's certificate is not PEM") from error
