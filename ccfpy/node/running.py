"""A node that has booted: its state, ledger and sessions, and their connections.

It answers the endpoints' questions about the node (``NodeView``), reacts when entries
become final, and signs when a signature is due. `boot`, `startup.start` and
`startup.join` make a running node; `table_hooks` has its reactions to changed tables.
"""

from collections.abc import Sequence
from dataclasses import replace

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import OpenLedger
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.context import CoseClaims
from ccfpy.endpoints.metrics import EndpointCounts
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.session import Session
from ccfpy.http.errors import ErrorCode, internal_error, unavailable
from ccfpy.http.messages import Request
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import Signer
from ccfpy.node.app import AppJobs
from ccfpy.node.app_scripts import AppScripts
from ccfpy.node.channels import Channels
from ccfpy.node.channels.channels import AddressBook
from ccfpy.node.forwarder import Forwarder, RedirectResolver
from ccfpy.node.history import StateCache
from ccfpy.node.history.state_cache import CommitAnswers
from ccfpy.node.identity import (
    NodeEvidence,
    NodeIdentity,
    PresentedCertificates,
    Sealing,
    ServiceCredentials,
    ServiceIdentity,
)
from ccfpy.node.indexing import Indexer
from ccfpy.node.jwt_refresh import JwtRefresh
from ccfpy.node.lifecycle import NodeState, advance
from ccfpy.node.parts import NodeParts
from ccfpy.node.pending_nodes import PendingNodes
from ccfpy.node.ports import HostClock, Recovery
from ccfpy.node.replication.commits import CommitWaits, CommitWatches
from ccfpy.node.replication.ledger_tail import LedgerTail
from ccfpy.node.replication.replication import (
    NotPrimary,
    Replication,
    SignatureTimer,
    SignatureTimes,
)
from ccfpy.node.sessions.client import SessionCounts
from ccfpy.node.snapshots.snapshotter import Snapshotter
from ccfpy.service.nodes import record_retirements
from ccfpy.service.opening import ServiceKeys
from ccfpy.service.tables.nodes import QuoteInfo


class RunningNode:
    """One node of a service, or one that asks to be.

    Attributes:
        parts: the parts that the node had before it booted.
        evidence: makes evidence of this node.
        quote_info: the evidence with which the node joins, and its endorsements.
        sealing: of ledger secrets, for a restart without members.
        app_code: calls the application.
        wake_flag: set when ``end_turn`` has more work than in most turns.
        frontends: ``app``, ``gov`` and ``node``.
        snapshots: those that this node takes as primary.
        pending: the nodes that wait to be trusted, as this node heard them.
        history: the past states of the service.
        answers_at_commit: callers whose answers are made once transactions are final.
        scripts: runs JavaScript for an application in Python.
        indexing: the indexes over committed transactions.
        jobs: what the application does by itself, if it does anything.
        jwt_refresh: keeps the keys of token issuers up to date.
        state: where the node is between start and membership.
        has_stop_notice: an operator announced that the node will be stopped.
        startup_seqno: of the snapshot this node began with; 0 without one.
        last_recovered_seqno: the last entry of the lost service that this service
            recovers; 0 unless the node was there before the service was open.
        recovery: this node's part in the recovery of the lost service; nothing in a
            service whose private state was there when this node came.
        is_ledger_provisional: the host knows that new entries may be dropped as long as
            the service is not open.
    """

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        parts: NodeParts,
        *,
        configuration: NodeConfiguration,
        time: HostClock,
        identity: NodeIdentity,
        credentials: ServiceCredentials | None,
        evidence: NodeEvidence,
        quote_info: QuoteInfo,
        replication: Replication,
        channels: Channels,
        session_counts: SessionCounts,
        sealing: Sealing,
    ) -> None:
        now_ms, outbox = time.monotonic_ms, parts.outbox
        self.parts = parts
        self.configuration = configuration
        self.time = time
        self.identity = identity
        self.evidence = evidence
        self.quote_info = quote_info
        self.replication = replication
        self.channels = channels
        self.session_counts = session_counts
        self.sealing = sealing
        self.entropy: Entropy = parts.entropy
        self.outbox = outbox
        self.app_code = parts.app_code
        self.wake_flag = parts.wake_flag
        self.frontends = parts.router.frontends
        self.state = NodeState.INITIALIZED
        self.has_stop_notice = False
        self.startup_seqno: Seqno = 0
        self.last_recovered_seqno: Seqno = 0
        self._credentials = credentials
        self.recovery: Recovery | None = None
        self.is_ledger_provisional = False
        self.is_service_open = False
        self.redirects = RedirectResolver()
        self.certificates = PresentedCertificates(identity)
        self.address_book = AddressBook(identity.node_id, channels, outbox)
        self.commit_waits = CommitWaits(status=replication.tx_status, now_ms=now_ms)
        self.commit_watches = CommitWatches(
            committed=self.committed_tx_id, now_ms=now_ms
        )
        self.timer = self._signature_timer()
        self.signature_times = SignatureTimes(parts.clock.monotonic_ns, replication)
        self.forwarder = self._forwarder(parts)
        self.snapshots = Snapshotter(
            tx_count=configuration.snapshot_tx_count,
            ledger=replication.tail,
            primary=self,
            view_starts=lambda: replication.raft.log.history.starts,
            outbox=outbox,
        )
        self.pending = PendingNodes(self, outbox.info, now_ms)
        self.history = self._history(parts)
        self.answers_at_commit = CommitAnswers(self.commit_waits, self.history)
        self.scripts = AppScripts.of(parts, self.time)
        self.indexing = Indexer.of(
            parts.app, self.history, entropy=parts.entropy, now_ms=now_ms
        )
        self.jobs = self._jobs(parts)
        self.jwt_refresh = self._jwt_refresh(parts)

    def _signature_timer(self) -> SignatureTimer:
        signatures = self.configuration.ledger_signatures
        return SignatureTimer(
            tx_count=signatures.tx_count,
            delay_ms=signatures.delay_ms,
            now_ms=self.time.monotonic_ms,
            is_early=signatures.early,
        )

    def _forwarder(self, parts: NodeParts) -> Forwarder:
        return Forwarder(
            channels=self.channels,
            primary=lambda: self.primary_id,
            serve=parts.router.answer,
            due=parts.due.append,
            node_log=parts.outbox,
            now_ms=self.time.monotonic_ms,
        )

    def _history(self, parts: NodeParts) -> StateCache:
        return StateCache(
            tail=self.replication.tail,
            log=lambda: self.replication.raft.log,
            reads=parts.ledger,
            identity=lambda: self.service_identity,
            entropy=parts.entropy,
            outbox=parts.outbox,
            serve=parts.router.answer_again,
            app=parts.app_code,
            wake_flag=parts.wake_flag,
            due=parts.due.append,
            bytes_max=self.configuration.historical_cache_bytes_max,
            now_ms=self.time.monotonic_ms,
        )

    def _jwt_refresh(self, parts: NodeParts) -> JwtRefresh:
        return JwtRefresh(
            node=self,
            calls=parts.calls,
            outbox=parts.outbox,
            time=self.time,
            interval_ms=self.configuration.jwt_key_refresh_interval_ms,
        )

    def _jobs(self, parts: NodeParts) -> AppJobs | None:
        jobs = parts.app.jobs()
        if not jobs:
            return None
        half_an_entry = self.configuration.entry_bytes_max // 2
        return AppJobs(
            jobs,
            self,
            app_code=parts.app_code,
            store=lambda: self.tail.store,
            now_ms=lambda: self.time.monotonic_ms,
            writes_bytes_max=min(limits.JOB_WRITES_BYTES_MAX, half_an_entry),
        )

    # The moves of its life

    def ask_to_join(self) -> None:
        """Begin to ask a service to let this node join."""
        self.state = advance(self.state, NodeState.PENDING)

    def start_from(self, seqno: Seqno) -> None:
        """Begin with the snapshot of a seqno."""
        self.startup_seqno = seqno

    def endorse_evidence(self, quote_info: QuoteInfo) -> None:
        """Add what vouches for this node's evidence."""
        self.quote_info = quote_info

    def hold_credentials(
        self, credentials: ServiceCredentials, secrets: LedgerSecrets
    ) -> None:
        """Hold what a node is given that joins: credentials and ledger secrets."""
        self._credentials = credentials
        self.tail.secrets.restore(secrets)
        self.sealing.keep(*self.tail.secrets.latest)
        self.channels.identify(
            service_certificate=credentials.service.certificate,
            node_certificate=credentials.endorsed,
        )

    def renew_service_certificate(self, certificate: Certificate) -> None:
        """Hold a new certificate for the key of the service."""
        self._credentials = self.credentials.with_service_certificate(certificate)

    def renew_endorsement(self, certificate: Certificate) -> None:
        """Hold and present the service's new certificate for this node's key."""
        self._credentials = replace(self.credentials, endorsed=certificate)
        self.certificates.endorsed(certificate)

    def read_public_ledger(self) -> None:
        """Begin to read the ledger of a lost service."""
        self.state = advance(self.state, NodeState.READING_PUBLIC_LEDGER)

    def hide_private_state(self, recovery: Recovery) -> None:
        """Go on with the public state, until ``recovery`` has the private state."""
        self.recovery = recovery
        self.tail.hide_private_state()

    def note_recovered(self, seqno: Seqno) -> None:
        """Note the last entry of a lost service that this service recovers."""
        self.last_recovered_seqno = seqno

    def join_recovery(self, last_recovered_seqno: Seqno) -> None:
        """Join a service whose recovery, and with it the ledger, may be begun anew."""
        self.note_recovered(last_recovered_seqno)
        self.is_ledger_provisional = True

    def claim_as(self, claims: CoseClaims) -> None:
        """Sign from now on with the claims of the service that is recovered."""
        self._credentials = replace(self.credentials, cose_claims=claims)

    def read_private_ledger(self) -> None:
        """Begin to read the private state of a lost service."""
        self.state = advance(self.state, NodeState.READING_PRIVATE_LEDGER)

    def restore_private_state(self, source: Store) -> None:
        """Go on with the private state too, which ``source`` holds."""
        self.tail.restore_private_state(source)
        self.become_part_of_network()

    def become_part_of_network(self, *, is_public_only: bool = False) -> None:
        """Be a node of the service, with all of its state or with the public part."""
        self.state = advance(
            self.state,
            NodeState.PART_OF_PUBLIC_NETWORK
            if is_public_only
            else NodeState.PART_OF_NETWORK,
        )

    def admit_members(self) -> None:
        """Serve members from now on."""
        self.frontends["gov"].is_open = True

    def expect_stop(self) -> None:
        """Note that an operator announced the end of this node."""
        self.has_stop_notice = True

    # What endpoints ask

    @property
    def node_id(self) -> NodeId:
        """This node."""
        return self.identity.node_id

    @property
    def is_trusted(self) -> bool:
        """Whether this node holds credentials of its service."""
        return self._credentials is not None

    @property
    def credentials(self) -> ServiceCredentials:
        """The credentials of a node that is trusted by now."""
        assert self._credentials is not None, "this node is not trusted yet"
        return self._credentials

    @property
    def service_identity(self) -> ServiceIdentity:
        """The service's key and certificate, which this node holds by now."""
        return self.credentials.service

    @property
    def cose_claims(self) -> CoseClaims:
        """The claims in the service's COSE signatures, which it knows by now."""
        return self.credentials.cose_claims

    @property
    def service_keys(self) -> ServiceKeys:
        """What opening the service takes, which this node holds by now."""
        return ServiceKeys(
            identity=self.service_identity.key,
            ledger_secrets=self.tail.secrets,
            entropy=self.entropy,
            unix_time_s=self.time.unix_us // 1_000_000,
        )

    @property
    def is_primary(self) -> bool:
        """Whether this node orders transactions."""
        return self.replication.is_primary

    @property
    def primary_id(self) -> NodeId | None:
        """Who orders transactions now, as far as this node knows."""
        return self.replication.raft.leader

    @property
    def view(self) -> View:
        """The current view."""
        return self.replication.raft.state.view

    @property
    def tail(self) -> LedgerTail:
        """The ledger's end."""
        return self.replication.tail

    @property
    def unix_time_us(self) -> int:
        """The host's clock."""
        return self.time.unix_us

    @property
    def created_at_latest_s(self) -> int:
        """The latest time at which a request may say that it was signed."""
        ahead_us = 1000 * self.configuration.created_at_ahead_max_ms
        return (self.time.unix_us + ahead_us) // 1_000_000

    @property
    def takes_writes(self) -> bool:
        """Whether it is primary and not at capacity."""
        raft = self.replication.raft.state
        log, most = raft.log, raft.settings.uncommitted_tx_max
        return raft.is_leader and not 0 < most <= log.last_seqno - log.commit_seqno

    def is_at_capacity(self) -> bool:
        """Return whether too many transactions await commit to take another."""
        return self.replication.raft.is_at_capacity

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Return what is known of a transaction."""
        return self.replication.tx_status(tx_id)

    def committed_tx_id(self) -> TxId | None:
        """Return the id of the last committed transaction."""
        return self.replication.committed_tx_id()

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a seqno in the current history."""
        return self.replication.raft.log.view_of(seqno) or None

    def view_history(self, since: View) -> Sequence[TxId] | None:
        """List the first transaction of each view from ``since``."""
        return self.replication.raft.log.history.first_of_each(since)

    def endpoint_counts(self) -> Sequence[EndpointCounts]:
        """List how often this node answered each endpoint of the application."""
        return self.frontends["app"].counts_apart.for_app.all()

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state."""
        return self.replication.tail.begin(read_only=read_only)

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        """Order a transaction, and sign if enough wait for it.

        Raises:
            Conflict: what it read has changed.
            ApiError: it writes, and this node may not order it; or it writes what no
                node could act upon.
        """
        replication = self.replication
        if tx.is_read_only:
            return replication.end_reading(tx)
        try:
            tx_id = replication.commit(tx, claims_digest)
        except NotPrimary:
            raise unavailable(
                ErrorCode.TransactionReplicationFailed,
                "Transaction failed to replicate.",
            ) from None
        except (Malformed, VerificationFailed) as error:
            raise internal_error(f"Transaction was refused: {error}") from error
        log = replication.raft.state.log
        if replication.is_primary and self.timer.is_due_by_count(log.unsigned):
            self.sign()
        return tx_id

    def address_of(self, role: str, interface: str) -> str | None:
        """Return the published address of a trusted node in a role."""
        return self.redirects.address_of(
            self.begin(read_only=True),
            role=role,
            interface=interface,
            primary=self.primary_id,
        )

    def attest(self, data: bytes) -> Attestation:
        """Make evidence of this node, bound to an application's data.

        What vouches for the machine and its release is the same as for the node itself.
        """
        evidence, own = self.evidence.of_app(data), self.quote_info
        return evidence._replace(
            endorsements=evidence.endorsements or own.endorsements,
            uvm_endorsements=own.uvm_endorsements,
        )

    def forward(self, request: Request, session: Session) -> Awaited:
        """Send a request to the primary, whose answer will be the response."""
        return self.forwarder.forward(request, session)

    # Time and signatures

    def tick(self, monotonic_ms: int, unix_us: int) -> None:
        """Advance the clock, and do what is due."""
        elapsed_ms = max(monotonic_ms - self.time.monotonic_ms, 0)
        self.time.monotonic_ms = monotonic_ms
        self.time.unix_us = unix_us
        self.replication.tick(elapsed_ms)
        self.channels.tick(monotonic_ms)
        self.forwarder.tick(monotonic_ms)
        self.commit_waits.tick(monotonic_ms)
        self.commit_watches.tick(monotonic_ms)
        self.history.tick(monotonic_ms)
        self.indexing.tick(monotonic_ms)
        self.jwt_refresh.tick(monotonic_ms)
        is_due = self.timer.tick(monotonic_ms, self.replication.unsigned)
        if is_due and self.is_primary:
            self.sign()
        self.snapshots.tick(monotonic_ms)
        self.pending.tick(monotonic_ms)

    def sign(self) -> None:
        """Sign everything not signed yet."""
        credentials = self.credentials
        claims = credentials.cose_claims
        signer = Signer(
            node=self.node_id,
            node_key=self.identity.key,
            node_certificate=credentials.endorsed.pem,
            service_key=credentials.service.key,
            issuer=claims.issuer,
            subject=claims.subject,
        )
        self.timer.signed(self.time.monotonic_ms, self.replication.unsigned)
        if self.snapshots.note_signature(self.tail.last_seqno + 1):
            self.tail.force_chunk()
        began_ns = self.signature_times.begin(self.tail.last_seqno + 1)
        self.replication.sign(signer, issued_at=self.time.unix_us // 1_000_000)
        self.signature_times.made(began_ns)

    # Other nodes

    def receive(self, message: PeerMessage) -> None:
        """Receive what claims to come from another node, if its channel proves it."""
        received = self.channels.receive(message.kind, message.sender, message.payload)
        if received is None:
            return
        if message.kind == PeerTraffic.CONSENSUS:
            self.replication.receive(message.sender, received.header, received.body)
        else:
            self.forwarder.received(message.sender, received.header, received.body)

    # The end of a step

    def end_turn(self, *, is_flagged: bool) -> None:
        """Do what this step made due, then send what it appended.

        Args:
            is_flagged: the ``wake_flag`` was set.
        """
        replication = self.replication
        if is_flagged:
            self.history.ask()
        raft = replication.raft.state
        if raft.should_sign and raft.is_leader:
            # What it holds of earlier views can be committed only then.
            self.sign()
            # The primary before may not have done this.
            replication.is_cleanup_due = True
        if replication.is_cleanup_due:
            replication.is_cleanup_due = False
            self._record_retirements()
        if (
            self.timer.is_early
            and self.is_primary
            and replication.is_all_committed
            and self.timer.is_due_early(
                self.time.monotonic_ms,
                replication.unsigned,
                is_awaited=len(self.commit_waits) > 0,
            )
        ):
            self.sign()
        if is_flagged:
            self.jwt_refresh.work()
        replication.flush()

    def _record_retirements(self) -> None:
        """Record, as primary, that the retirement of nodes is complete."""
        if not self.is_primary:
            return
        tx = self.begin(read_only=False)
        if record_retirements(tx):
            self.commit(tx, None)

    # What becomes final

    def open_service(self) -> None:
        """Note that the service is open, for good."""
        if self.is_service_open:
            return
        self.is_service_open = True
        if self.recovery is not None:
            self.recovery.opened()
        elif self.is_ledger_provisional:
            self.outbox.put(OpenLedger())
        self.admit_users()

    def admit_users(self) -> None:
        """Serve users, if the service is open and its private state is here."""
        app = self.frontends["app"]
        if self.is_service_open and not self.tail.is_sealed and not app.is_open:
            self.app_code.read(self.begin(read_only=True))
            app.is_open = True
            self.outbox.info("Opening frontend")
            self.outbox.info("Service is open")
