"""How the private state of a recovered service comes back, on each of its nodes.

1. *Shares.* Members submit their shares. Enough shares open the lost service's latest
   ledger secret, which opens the earlier ones by a chain of records in the ledger
   (`SecretRecords`). The primary writes all secrets, encrypted to each node. A secret
   that was sealed to the primary's platform can replace the shares.
2. *Reading.* When that is final, each node reads its ledger once more, with the private
   parts, into a separate store and tree (`PrivateLedger`): a few entries at a time, so
   that the service goes on. At every signature, and at the end of the ledger, both
   trees must have the same root.
3. *Swap.* The private maps move to the node's store. From then on the node is like any
   other. The primary opens the service.

If a node becomes primary while it reads, and another node has opened the service
already, it stops at the end of its reading, as a node of CCF does. The rules follow
``src/node/node_state.h``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.boundary.effects import OpenLedger
from ccfpy.kv.store import Store
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import is_signature
from ccfpy.node.identity import check_evidence
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.replication.ledger_tail import LedgerTail
from ccfpy.node.replication.verification import window_excess
from ccfpy.node.snapshots.starting_point import StartingPoint
from ccfpy.service import opening, shares
from ccfpy.service.tables import recovery, service

if TYPE_CHECKING:
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.tx import Tx
    from ccfpy.ledger.encrypted_shares import SecretRecord
    from ccfpy.node.running import RunningNode


class RecoveryFailed(CcfpyError):
    """The private state cannot be brought back; the node must stop."""


class PrivateRecovery:
    """One node's part in it.

    Args:
        running: the node, which knows the public state alone.
        records: what the ledger records of its secrets.
        point: the snapshot that the node began with, needed again.
        evidence: the last digest of commit evidence in the lost service's ledger, as
            far as this node read the ledger, with the transaction that it is of.
    """

    def __init__(
        self,
        running: "RunningNode",
        records: "SecretRecords",
        point: "StartingPoint | None",
        *,
        evidence: tuple[TxId, bytes] | None = None,
    ) -> None:
        self._running = running
        self._records = records
        self._point = point
        self._evidence = evidence
        self._is_due = False
        self._is_asking = False
        self._reading = 0
        """Grows when what was asked for is of no use any more."""
        self._ledger: PrivateLedger | None = None
        """The ledger while it is read, with all its secrets at hand."""
        self._awaits_opening = False

    # What the ledger says

    def watch(self) -> None:
        """React to secrets that are sent, and to rollbacks; called once."""
        self._running.tail.store.on_global(
            recovery.ENCRYPTED_LEDGER_SECRETS.name, self._on_secrets
        )
        self._running.replication.on_rollback(self._truncated)

    def _truncated(self, to: Seqno) -> None:
        """Forget what the ledger said after ``to``."""
        self._records.truncate(to)
        if self._ledger is not None:
            self._ledger.truncate(to)
        self._reading += 1
        self._is_asking = False

    def _on_secrets(self, seqno: Seqno, writes: "Writes") -> None:
        running = self._running
        if (
            running.state is not NodeState.PART_OF_PUBLIC_NETWORK
            or seqno <= running.last_recovered_seqno
        ):
            return
        sent = recovery.ENCRYPTED_LEDGER_SECRETS.decode_writes(writes) or {}
        for secret in sent.get(running.node_id, ()):
            if secret.version is None or secret.version in running.tail.secrets:
                continue
            running.tail.secrets.add(
                secret.version,
                LedgerSecret(
                    raw=running.identity.encryption_key.unwrap(secret.encrypted_secret),
                    previous_stored=secret.previous_secret_stored_version,
                ),
            )
        self._is_due = running.tail.secrets.reach(running.last_recovered_seqno)
        if not self._is_due:
            running.outbox.info(
                f"Found no ledger secrets for this node ({running.node_id}) @ {seqno}"
            )

    # Shares

    def restore_secrets(self, tx: "Tx") -> None:
        """Open the old secrets with the submitted shares; send them to every node.

        Raises:
            CcfpyError: the shares do not open them, or are too few.
        """
        running = self._running
        if running.state is not NodeState.PART_OF_PUBLIC_NETWORK:
            raise VerificationFailed(f"a node that is {running.state} recovers nothing")
        _, current = running.tail.secrets.latest
        latest = shares.combine(tx, current)
        restored = self._records.restore(latest)
        shares.send_to_nodes(tx, restored)

    # Secrets sealed to the platform

    def unseal_secrets(self, tx: "Tx") -> bool:
        """Send every node the old secrets, if one was sealed here that opens them.

        Why a file is of no use is logged.
        """
        running = self._running
        section = running.configuration.recover
        if section is None or section.previous_sealed_secrets is None:
            return False
        for version, secret in running.sealing.candidates(
            section.previous_sealed_secrets, last=running.last_recovered_seqno
        ):
            try:
                restored = self._restored_by(version, secret)
            except CcfpyError as error:
                running.sealing.passed_over(version, error)
                continue
            shares.send_to_nodes(tx, restored)
            running.outbox.info("Unsealed ledger secret, initiating private recovery")
            return True
        running.outbox.fail(
            "Failed to unseal any ledger secret: the service waits for its members' "
            "recovery shares"
        )
        return False

    def _restored_by(self, version: Seqno, latest: LedgerSecret) -> LedgerSecrets:
        """Win back all old secrets by one that was sealed.

        Raises:
            CcfpyError: it is not the latest of the service that was lost.
        """
        restored = self._records.restore(latest)
        expected, _ = restored.latest
        if version != expected:
            raise VerificationFailed(
                f"the service's latest ledger secret applies from {expected}"
            )
        if self._evidence is not None and self._evidence[0].seqno >= version:
            check_evidence(latest, *self._evidence)
        return restored

    # Reading

    @property
    def progress(self) -> tuple[Seqno, Seqno] | None:
        """The seqno to be reached and the one reached, while the ledger is read."""
        ledger = self._ledger
        return None if ledger is None else (ledger.target, ledger.last_seqno)

    def work(self) -> None:
        """Do what is due; for the end of every step.

        Raises:
            RecoveryFailed: the private state cannot be brought back.
        """
        if self._is_due:
            self._is_due = False
            self._begin()
        ledger = self._ledger
        if ledger is not None and not self._is_asking:
            if ledger.is_read:
                self._finish(ledger)
            else:
                self._ask(ledger)
        if self._awaits_opening and self._running.is_primary:
            self._awaits_opening = False
            self._open_if_waiting()

    def _begin(self) -> None:
        running = self._running
        running.outbox.info("Beginning private recovery")
        running.read_private_ledger()
        try:
            self._ledger = PrivateLedger(running.tail, self._point)
        except VerificationFailed as error:
            raise RecoveryFailed(str(error)) from error
        self._point = None

    def _ask(self, ledger: "PrivateLedger") -> None:
        self._is_asking = True
        self._reading += 1
        reading = self._reading
        first = ledger.last_seqno + 1
        last = min(
            first + limits.RECOVERY_ENTRIES_PER_READ - 1,
            self._running.tail.last_seqno,
        )

        def answered(entries: Sequence[bytes] | None) -> None:
            if reading == self._reading:
                self._is_asking = False
                self._take(ledger, entries)

        self._running.parts.ledger.read(first, last, then=answered)

    def _take(self, ledger: "PrivateLedger", entries: Sequence[bytes] | None) -> None:
        if entries is None:
            raise RecoveryFailed(
                f"Private recovery did not reach public ledger seqno: the host has no "
                f"entry {ledger.last_seqno + 1}"
            )
        for data in entries:
            try:
                ledger.take(data)
            except CcfpyError as error:
                raise RecoveryFailed(
                    f"Failed to deserialise private ledger entry "
                    f"{ledger.last_seqno + 1}: {error}"
                ) from error
        ledger.compact(self._running.replication.raft.log.commit_seqno)

    # The end

    def _finish(self, ledger: "PrivateLedger") -> None:
        running = self._running
        try:
            ledger.check_root()
        except VerificationFailed as error:
            raise RecoveryFailed(str(error)) from error
        tail = running.tail
        ledger.compact(tail.store.committed)
        self._ledger = None
        running.restore_private_state(ledger.store)
        running.outbox.info(f"Private recovery ended at {tail.last_seqno}")
        if running.is_primary:
            self._open_service()
        else:
            self._awaits_opening = True
        running.admit_users()

    def _open_if_waiting(self) -> None:
        """Open the service in the place of a primary that did not come to it."""
        info = service.INFO.of(self._running.begin(read_only=True)).get()
        waiting = ServiceStatus.WAITING_FOR_RECOVERY_SHARES
        if info is not None and info.status is waiting:
            self._open_service()

    def _open_service(self) -> None:
        running = self._running
        tx = running.begin(read_only=False)
        info = service.INFO.of(tx).get()
        status = None if info is None else info.status
        if status is not ServiceStatus.WAITING_FOR_RECOVERY_SHARES:
            raise RecoveryFailed(
                f"this node leads a service that is {status} already, without having "
                "had its private state"
            )
        try:
            shares.clear_submitted(tx)
            opening.open_now(tx, running.service_keys)
        except CcfpyError as error:
            raise RecoveryFailed(f"Service could not be opened: {error}") from error
        # The next recovery may come soon, and will want a snapshot of this identity.
        running.tail.after_commit(running.snapshots.trigger)
        running.commit(tx, None)

    def opened(self) -> None:
        """The service is open, for good: what was written meanwhile is its ledger."""
        self._awaits_opening = False
        self._running.outbox.put(OpenLedger())


class PrivateLedger:
    """A ledger so far, read with the secrets that open its private parts.

    Args:
        tail: of the node, whose ledger is read once more.
        point: the snapshot that the node began with.

    Attributes:
        store: the private state.
        target: the end of the node's ledger when the reading began.

    Raises:
        VerificationFailed: the snapshot does not open.
    """

    def __init__(self, tail: LedgerTail, point: StartingPoint | None) -> None:
        self.store = Store()
        self.target = tail.last_seqno
        self._tail = tail
        self._tree = MerkleTree()
        if point is not None:
            point.install_private(self.store, tail.secrets)
            self._tree = point.tree()

    @property
    def last_seqno(self) -> Seqno:
        """The last entry taken."""
        return self.store.version

    @property
    def is_read(self) -> bool:
        """Whether all entries of the node's ledger are taken."""
        return self.last_seqno >= self._tail.last_seqno

    def take(self, data: bytes) -> None:
        """Append the next entry.

        Raises:
            Malformed: it is no entry.
            VerificationFailed: it is another entry, does not open, or signs a root that
                the node's ledger does not have.
        """
        transaction = Transaction.parse(data)
        seqno = transaction.txid.seqno
        if seqno != self.last_seqno + 1:
            raise VerificationFailed(f"found entry {transaction.txid}")
        self.store.apply(seqno, transaction.private_writes(self._tail.secrets))
        self._tree.append(transaction.leaf)
        if is_signature(transaction.domain.write_set):
            self.check_root()

    def compact(self, committed: Seqno) -> None:
        """Note that everything up to ``committed`` is final."""
        self.store.compact(min(self.last_seqno, committed))
        first = self._tree.first
        excess = window_excess(self.store.committed - first)
        if excess:
            self._tree.flush(first + excess)

    def truncate(self, to: Seqno) -> None:
        """Take back the entries after ``to``, if there are any."""
        if self.last_seqno > to:
            self.store.rollback(to)
            self._tree.retract(to)

    def check_root(self) -> None:
        """Check the tree against the part of it that the node has.

        Raises:
            VerificationFailed: the roots differ.
        """
        size = len(self._tree)
        own = self._tail.settled_tree()
        if size > max(own.first, 1) and own.root(size) != self._tree.root():
            raise VerificationFailed(
                f"Root of public store does not match root of private store at "
                f"{size - 1}"
            )


class SecretRecords:
    """The records in a ledger, as far as a node has read the ledger."""

    def __init__(self, tail: "LedgerTail") -> None:
        self._tail = tail
        self._records: list[tuple[Seqno, SecretRecord]] = []

    def watch(self) -> None:
        """Collect every record from now on; called once."""
        self._tail.store.on_local(recovery.PAST_SECRETS.name, self._on_record)

    def truncate(self, to: "Seqno") -> None:
        """Forget the records after ``to``."""
        while self._records and self._records[-1][0] > to:
            self._records.pop()

    def restore(self, latest: LedgerSecret) -> LedgerSecrets:
        """Return all secrets of the lost service, which the latest secret opens.

        Raises:
            Malformed: there is no record.
            VerificationFailed: a record does not open under its successor.
        """
        return encrypted_shares.restore(latest, self._records)

    def _on_record(self, seqno: "Seqno", writes: "Writes") -> None:
        written = recovery.PAST_SECRETS.decode_writes(writes)
        if written is None:
            return
        self._records.append((seqno, written))
        secrets = self._tail.secrets
        if not len(secrets):
            return
        version, latest = secrets.latest
        if written.previous is not None and written.next_version == version:
            # Only now is it known where the secret before this one is recorded.
            secrets.replace_latest(LedgerSecret(raw=latest.raw, previous_stored=seqno))
