"""How a node recovers the public state of a service whose nodes are lost.

1. *Snapshot.* The host's latest snapshot, if any, replaces the ledger before it.
2. *Ledger.* The node reads the entries, a few at a time (`PublicLedger`). It has no
   ledger secret, so an entry counts only once a signature covers it: the root over all
   entries before, signed by a node that the ledger introduced earlier
   (`ccfpy.ledger.trust`). Reading ends with the ledger, or with the first entry that
   fails these checks.
3. *Truncation.* Nothing vouches for the entries after the last signature: they are
   dropped.
4. *Service.* This node leads a service with a new key, a new ledger secret, and a view
   that no node of the lost service can have reached. Its first transaction names the
   service that it recovers.

The host may end the ledger early, and no node can detect that: operators compare what
several nodes recovered. The host cannot change, omit or add an entry. Members restore
the private state later (`ccfpy.node.startup.private_recovery`).
"""

from collections.abc import Callable, Sequence

from ccfpy.base import limits
from ccfpy.base.errors import (
    CcfpyError,
    ConfigurationRefused,
    Malformed,
    VerificationFailed,
)
from ccfpy.base.ids import VIEWS_PER_RECOVERY, Seqno, TxId
from ccfpy.boundary.effects import RecoverLedger
from ccfpy.boundary.events import Boot
from ccfpy.consensus.history import ViewHistory
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.context import CoseClaims
from ccfpy.kv.store import Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import CoseSignature, is_signature
from ccfpy.ledger.trust import LedgerTrust
from ccfpy.node.boot import first_node, founding_node, identity_of, json_of
from ccfpy.node.host_reads import Found
from ccfpy.node.parts import NodeParts
from ccfpy.node.running import RunningNode
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint
from ccfpy.node.startup.private_recovery import PrivateRecovery, SecretRecords
from ccfpy.node.table_hooks import TableHooks
from ccfpy.service import genesis
from ccfpy.service.records import Refused
from ccfpy.service.tables.service import (
    CONSTITUTION,
    COSE_SIGNATURES,
    SNAPSHOT_EVIDENCE,
)


def begin(boot: Boot, parts: NodeParts) -> RunningNode:
    """Make a node with the identity of a service that is to take a lost one's place.

    The new service's subject is the lost one's; its key is on this node's curve.

    Raises:
        ConfigurationRefused: the recover section is missing or wrong.
        Malformed: a certificate cannot be made as configured.
    """
    previous = previous_identity(boot)
    section = boot.configuration.recover
    assert section is not None, "it was checked"
    running = founding_node(
        boot,
        parts,
        identity=identity_of(boot, parts),
        subject=previous.subject,
        validity_days=section.initial_service_certificate_validity_days,
        secrets=LedgerSecrets(),
        cose_claims=CoseClaims("", ""),
    )
    parts.outbox.info(f"Created recovery node {running.identity.node_id}")
    return running


def previous_identity(boot: Boot) -> Certificate:
    """Return the certificate of the service that is recovered.

    Raises:
        ConfigurationRefused: it is missing, or no certificate.
    """
    section = boot.configuration.recover
    if section is None:
        raise ConfigurationRefused("command.recover is missing")
    if section.previous_service_identity is None:
        raise ConfigurationRefused(
            "Recovery requires the certificate of the previous service identity"
        )
    try:
        return Certificate.from_pem(section.previous_service_identity)
    except Malformed as error:
        raise ConfigurationRefused(
            f"the certificate of the previous service identity: {error}"
        ) from error


class Recover:
    """One node's recovery of one service's public state.

    Args:
        running: the node, whose store is empty.
        boot: the event with the node's configuration.
        refused: called once with the reason why the node must stop.
    """

    def __init__(
        self,
        running: RunningNode,
        boot: Boot,
        *,
        refused: Callable[[str], None],
    ) -> None:
        self._running = running
        self._refused = refused
        self._previous = previous_identity(boot)
        self._point: StartingPoint | None = None
        self._ledger = PublicLedger(running.tail.store)
        self._records = SecretRecords(running.tail)

    def start(self) -> None:
        """Begin with the host's latest snapshot, if there is one."""
        running = self._running
        running.read_public_ledger()
        self._records.watch()
        self._running.parts.snapshots.look(then=self._found)

    # The snapshot

    def _found(self, found: Found | None) -> None:
        if found is None:
            self._read_on()
            return
        if not 0 < found.size <= limits.SNAPSHOT_BYTES_MAX:
            self._refuse(f"the snapshot {found.name} has {found.size} bytes")
            return
        self._running.outbox.info(f"Recovering from snapshot {found.name}")
        self._running.parts.snapshots.read(
            found, start=0, stop=found.size, then=self._start_from
        )

    def _start_from(self, data: bytes | None) -> None:
        if data is None:
            self._refuse("the host does not give the snapshot that it has")
            return
        running = self._running
        try:
            point = StartingPoint.read(data, [self._previous])
            point.install(running.tail.store, None)
            self._ledger.start_from(point)
        except CcfpyError as error:
            words = str(error)
            if isinstance(error, SnapshotRefused) and error.is_of_another_service:
                words = (
                    "Previous service identity does not endorse the node identity that "
                    f"signed the snapshot: {words}"
                )
            self._refuse(words)
            return
        self._point = point
        running.start_from(point.seqno)
        self._read_on()

    # The ledger

    def _read_on(self) -> None:
        first = self._ledger.last_seqno + 1
        last = first + limits.RECOVERY_ENTRIES_PER_READ - 1
        self._running.parts.ledger.read(first, last, then=self._taken)

    def _taken(self, entries: Sequence[bytes] | None) -> None:
        ledger = self._ledger
        for data in entries or ():
            try:
                ledger.take(data)
            except CcfpyError as error:
                self._running.outbox.fail(
                    f"Failed to deserialise public ledger entry "
                    f"{ledger.last_seqno + 1}: {error}"
                )
                entries = None
                break
        if entries is not None:
            self._read_on()
            return
        try:
            self._finish()
        except (Refused, Malformed, VerificationFailed) as error:
            self._refuse(str(error))

    # The new service

    def _finish(self) -> None:
        """Continue from the last signature, as the only node of a new service.

        Raises:
            Refused: the ledger has no service to recover.
            Malformed: a record of the service cannot be read.
            VerificationFailed: this node's own evidence does not verify.
        """
        running, ledger = self._running, self._ledger
        last = ledger.truncate()
        if last is None:
            raise Refused("No signature found after recovery")
        self._records.truncate(last.seqno)
        view = last.view + VIEWS_PER_RECOVERY
        running.outbox.info(
            "End of public ledger recovery - Truncating ledger to last signed TxID: "
            f"{last}; going on in view {view}"
        )
        running.outbox.put(RecoverLedger(after=last.seqno))
        tail = running.tail
        recovery = PrivateRecovery(
            running, self._records, self._point, evidence=ledger.evidence
        )
        recovery.watch()
        running.hide_private_state(recovery)
        tail.secrets.add(last.seqno + 1, LedgerSecret.generate(running.entropy))
        running.sealing.keep(*tail.secrets.latest)
        tail.begin_after(ledger.tree)
        running.claim_as(self._claims())
        running.snapshots.start_from(self._last_snapshot())
        running.note_recovered(last.seqno)
        TableHooks(running).watch()
        running.replication.recover(starts=ledger.starts, last=last)
        self._create(TxId(view, last.seqno + 1))

    def _create(self, tx_id: TxId) -> None:
        running = self._running
        tx = running.begin(read_only=False)
        genesis.create(
            tx,
            genesis.CreateInfo(
                service_certificate=running.service_identity.certificate.pem,
                create_txid=tx_id,
                node=first_node(running),
                service_data=json_of(running.configuration.service_data),
            ),
        )
        running.tail.begin_chunk()
        source = CONSTITUTION.of(tx).get()
        claims = None if source is None else running.parts.app.create_claims(source)
        created = running.replication.commit(tx, claims)
        assert created == tx_id, (created, tx_id)
        running.outbox.info(f"Created service at {created}")
        running.become_part_of_network(is_public_only=True)
        running.admit_members()
        running.sign()

    def _claims(self) -> CoseClaims:
        tx = self._running.begin(read_only=True)
        data = COSE_SIGNATURES.of(tx).get()
        if data is None:
            return CoseClaims("", "")
        signature = CoseSignature.from_cose(data)
        return CoseClaims(signature.issuer, signature.subject)

    def _last_snapshot(self) -> int:
        tx = self._running.begin(read_only=True)
        evidence = SNAPSHOT_EVIDENCE.of(tx).get()
        return 0 if evidence is None else evidence.version

    def _refuse(self, reason: str) -> None:
        self._running.outbox.fail(reason)
        self._refused(reason)


LEAVES_RETAINED = 1 << 17
"""Number of leaves kept before the last signature, for the trees of later ones."""


class PublicLedger:
    """The public state of a ledger, built entry by entry.

    Attributes:
        tree: the Merkle tree over the entries read so far.
        evidence: the last signed digest of commit evidence, with its transaction id;
            nothing if none was read.
    """

    def __init__(self, store: Store) -> None:
        self.tree = MerkleTree()
        self._store = store
        self._views = ViewHistory()
        self._trust = LedgerTrust()
        self.evidence: tuple[TxId, bytes] | None = None
        self._unsigned_evidence: tuple[TxId, bytes] | None = None
        self._signed: TxId | None = None
        self._signed_root: bytes | None = None

    @property
    def last_seqno(self) -> Seqno:
        """The seqno of the last entry read."""
        return self._store.version

    @property
    def starts(self) -> tuple[Seqno, ...]:
        """The first seqno of each view, from view 1."""
        return self._views.starts

    def start_from(self, point: StartingPoint) -> None:
        """Continue from a snapshot, whose state the store has.

        Raises:
            Malformed: its state does not say which nodes may sign.
        """
        public = point.snapshot.public
        self.tree = point.tree()
        self._views = ViewHistory(point.starts)
        self._trust = LedgerTrust.resume(
            {
                name: {key: value for key, _, value in entries}
                for name, _, entries in public.maps
            }
        )
        self._signed, self._signed_root = point.last, point.signature.root

    def take(self, data: bytes) -> None:
        """Append the next entry.

        Nothing has changed in the store and the tree when this raises.

        Raises:
            Malformed: it is no entry, or not the next one.
            VerificationFailed: it breaks a rule, or is a signature that does not hold.
        """
        transaction = Transaction.parse(data)
        view, seqno = tx_id = transaction.txid
        if seqno != self.last_seqno + 1:
            raise Malformed(f"expected entry {self.last_seqno + 1}, found {tx_id}")
        if view < max(self._views.view_of(seqno), 1):
            raise VerificationFailed(f"entry {tx_id} is of an earlier view")
        writes = transaction.domain.write_set
        self._trust.apply(writes, last_root=self._signed_root)
        signs = is_signature(writes)
        root = self.tree.root() if signs else b""
        if signs:
            named = self._trust.verify_signature(writes, root)
            if any(name != str(tx_id) for name in named):
                raise VerificationFailed(f"the signature at {tx_id} says it is {named}")
        self._views.note(view, seqno)
        self._store.apply(seqno, writes)
        self.tree.append(transaction.leaf)
        digest = transaction.domain.commit_evidence_digest
        if digest is not None:
            self._unsigned_evidence = tx_id, digest
        if signs:
            self._signed, self._signed_root = tx_id, root
            self.evidence = self._unsigned_evidence
            self._store.compact(seqno)
            self.tree.flush(max(seqno - LEAVES_RETAINED, self.tree.first))

    def truncate(self) -> TxId | None:
        """Take back what follows the last signature; return its id, if there is one."""
        signed = self._signed
        if signed is not None:
            self._store.rollback(signed.seqno)
            self.tree.retract(signed.seqno)
            self._views.rollback(signed.seqno)
        return signed
