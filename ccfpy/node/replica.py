"""A node that has booted: its state, its ledger, its sessions, and what ties them.

It answers what endpoints ask of a node (``NodeView``), reacts to what becomes final,
and signs when it is time. How a replica comes to be is in `boot`, `starting` and
`joining`.
"""

from collections.abc import Sequence as ListOf
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.ports import Clock, Entropy
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.context import CoseClaims
from ccfpy.endpoints.frontend import Frontend
from ccfpy.kv.changes import Writes
from ccfpy.kv.tx import Tx
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.signature import Signer
from ccfpy.node.certificates import PresentedCertificates
from ccfpy.node.identity import NodeIdentity, ServiceIdentity
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.outbox import Outbox
from ccfpy.node.sequence import Sequence
from ccfpy.node.signing import SignatureTimer
from ccfpy.service.lifecycle import ServiceStatus
from ccfpy.service.nodes import trusted_nodes
from ccfpy.service.tables import nodes, recovery, service


@dataclass(slots=True, kw_only=True)
class HostClock:
    """What the host last said of the time; nothing that needs trust rests on it."""

    monotonic_ms: int
    unix_us: int

    @property
    def now(self) -> datetime:
        """Wall time, as certificates state it.

        Raises:
            Malformed: no calendar goes so far.
        """
        try:
            return datetime.fromtimestamp(self.unix_us / 1e6, tz=UTC)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"the host's clock is wrong: {error}") from error


@dataclass(slots=True, kw_only=True)
class Replica:
    """One node of a running service, or one that asks to be.

    Attributes:
        known_service: the service's key and certificate; nothing until this node is
            trusted with them.
        cose_claims: what the service's COSE signatures claim of themselves; empty
            until this node knows its service.
        frontends: ``app``, ``gov`` and ``node``.
        state: where the node is between start and membership.
        has_stop_notice: an operator announced that the node will be stopped.
    """

    configuration: NodeConfiguration
    entropy: Entropy
    js_clock: Clock
    time: HostClock
    outbox: Outbox
    identity: NodeIdentity
    known_service: ServiceIdentity | None
    cose_claims: CoseClaims
    quote: bytes
    certificates: PresentedCertificates
    sequence: Sequence
    timer: SignatureTimer
    frontends: dict[str, Frontend] = field(default_factory=dict)
    state: NodeState = NodeState.INITIALIZED
    has_stop_notice: bool = False

    # What endpoints ask

    @property
    def node_id(self) -> NodeId:
        """This node."""
        return self.identity.node_id

    @property
    def service_identity(self) -> ServiceIdentity:
        """The service's key and certificate, which this node holds by now."""
        assert self.known_service is not None, "this node is not trusted yet"
        return self.known_service

    @property
    def is_primary(self) -> bool:
        """The only node of a service is its primary."""
        return self.known_service is not None

    @property
    def primary_id(self) -> NodeId | None:
        """Who orders transactions now."""
        return self.identity.node_id if self.is_primary else None

    @property
    def view(self) -> View:
        """The current view."""
        return self.sequence.consensus.view

    @property
    def unix_time_us(self) -> int:
        """The host's clock."""
        return self.time.unix_us

    def is_at_capacity(self) -> bool:
        """Tell whether too many transactions await commit to take another."""
        return self.sequence.is_at_capacity()

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Tell what is known of a transaction."""
        return self.sequence.tx_status(tx_id)

    def committed_tx_id(self) -> TxId | None:
        """Name the last committed transaction."""
        return self.sequence.committed_tx_id()

    def view_of(self, seqno: Seqno) -> View | None:
        """Give the view of a seqno in the current history."""
        consensus = self.sequence.consensus
        if seqno > consensus.last_seqno:
            return None
        return consensus.history.view_of(seqno)

    def view_history(self, since: View) -> ListOf[TxId] | None:
        """List the first transaction of each view from ``since``."""
        return self.sequence.consensus.history.first_of_each(since)

    def receipt(self, tx_id: TxId) -> Receipt | None:
        """Prove a committed transaction that is still in memory."""
        return self.sequence.receipt(tx_id.seqno)

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state."""
        return self.sequence.begin(read_only=read_only)

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        """Order a transaction, and sign if enough wait for it."""
        tx_id = self.sequence.commit(tx, claims_digest)
        if self.timer.is_due_by_count(self.sequence.unsigned):
            self.sign()
        return tx_id

    def address_of(self, role: str, interface: str) -> str | None:
        """Give the published address of a trusted node in a role."""
        tx = self.begin(read_only=True)
        for node_id, info in trusted_nodes(tx).items():
            if (node_id == self.primary_id) is (role == "primary"):
                found = info.rpc_interfaces.get(interface)
                return found.published_address if found else None
        return None

    # Time and signatures

    def tick(self) -> None:
        """Do what the time asks for."""
        if self.timer.tick(self.time.monotonic_ms, self.sequence.unsigned):
            self.sign()

    def sign(self) -> None:
        """Sign everything not signed yet."""
        claims = self.cose_claims
        endorsed = self.identity.endorsed
        signer = Signer(
            node=self.node_id,
            node_key=self.identity.key,
            node_certificate=endorsed.pem if endorsed else "",
            service_key=self.service_identity.key,
            issuer=claims.issuer,
            subject=claims.subject,
        )
        self.sequence.sign(signer, issued_at=self.time.unix_us // 1_000_000)

    # What becomes final

    def watch(self) -> None:
        """React to the tables that say how this node is to behave."""
        store = self.sequence.store
        store.on_global(service.INFO.name, self._on_service)
        store.on_global(nodes.ENDORSED_CERTIFICATES.name, self._on_endorsement)
        store.on_local(recovery.ENCRYPTED_LEDGER_SECRETS.name, self._on_rekey)

    def _on_service(self, _: Seqno, writes: Writes) -> None:
        info = service.INFO.decode_writes(writes)
        if info is None:
            return
        self.service_identity.certificate = Certificate.from_pem(info.cert)
        if info.status is ServiceStatus.OPEN and not self.frontends["app"].is_open:
            self.frontends["app"].is_open = True
            self.outbox.info("Opening frontend")
            self.outbox.info("Service is open")

    def _on_endorsement(self, _: Seqno, writes: Writes) -> None:
        pem = nodes.ENDORSED_CERTIFICATES.decode_writes(writes).get(self.node_id)
        if pem is not None:
            certificate = Certificate.from_pem(pem)
            self.certificates.endorsed(certificate)
            if certificate.not_before != self.identity.self_signed.not_before:
                self.certificates.self_signed(
                    self.identity.renew_self_signed(certificate, self.entropy)
                )

    def _on_rekey(self, seqno: Seqno, writes: Writes) -> None:
        """Take up the ledger secret that this transaction sent every trusted node."""
        sent = recovery.ENCRYPTED_LEDGER_SECRETS.decode_writes(writes)
        for secret in (sent or {}).get(self.node_id, ()):
            self.sequence.rekey(
                self.identity.encryption_key.unwrap(secret.encrypted_secret),
                at=seqno,
            )
