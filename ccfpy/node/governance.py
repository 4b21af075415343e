"""What governance may have this node do: sign, open, rekey, share, cut a chunk.

Writes go through the proposal's transaction. What only this node keeps in mind (a
chunk to end) is done once, and only if, that transaction is committed.
"""

from typing import TYPE_CHECKING

from ccfpy.base.ids import MemberId, Seqno
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.crypto import certs
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.tx import Tx
from ccfpy.node.lifecycle import NodeState
from ccfpy.service import opening, shares
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery
from ccfpy.service.tables.recovery import RecoveryType

if TYPE_CHECKING:
    from ccfpy.ledger.secrets import LedgerSecret
    from ccfpy.node.running import RunningNode


class NodeGovernance:
    """The node, as governance sees it (`ccfpy.gov.operations.GovernanceNode`).

    Attributes:
        engine: runs constitutions and ballots.
        entropy: the randomness for scripts.
    """

    def __init__(self, running: "RunningNode", engine: QuickJs) -> None:
        self._running = running
        self.engine = engine
        self.entropy = running.entropy
        self._rekeyed: tuple[Tx, LedgerSecret] | None = None

    def check_room_for_script(self) -> None:
        """Check that a script may be called for the member whose request this is.

        Raises:
            ApiError: 503, too many calls are slow, or of this member's.
        """
        self._running.app_code.calls.check_room_for_script()

    def log(self, level: str, text: str) -> None:
        """Write a line under the tag ``gov``."""
        self._running.outbox.log(LogLevel(level), text, tag=LogTag.GOV)

    def root_at(self, version: Seqno) -> bytes | None:
        """Return the Merkle root over the leaves up to and including ``version``."""
        tree = self._running.tail.settled_tree()
        if version + 1 < max(tree.first, 1):
            return None
        return tree.root(version + 1)

    def latest_ledger_secret_seqno(self, tx: Tx) -> Seqno:
        """Return the version of the latest ledger secret."""
        recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).get()
        version, _ = self._running.tail.secrets.latest
        return version

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Sign a node's certificate request with the service key; give the PEM."""
        service = self._running.service_identity
        return certs.endorse_request(
            request_pem,
            issuer_key=service.key,
            issuer_cert=service.certificate,
            not_before=certs.parse_time(valid_from),
            validity_days=validity_days,
            entropy=self.entropy,
        ).pem

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        """Make a certificate for the same service key; give the PEM."""
        service = self._running.service_identity
        return certs.service_certificate(
            service.key,
            subject=service.certificate.subject,
            not_before=certs.parse_time(valid_from),
            validity_days=validity_days,
            entropy=self.entropy,
        ).pem

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        """Open the service, or go on to collect shares where it is being recovered."""
        running = self._running
        identities = opening.Identities(previous=previous_identity, next=next_identity)
        if not opening.wants_to_open(tx, identities):
            return
        if running.state is NodeState.PART_OF_PUBLIC_NETWORK:
            assert running.recovery is not None, "it is part of a recovery"
            is_unsealed = running.recovery.unseal_secrets(tx)
            opening.await_shares(
                tx,
                RecoveryType.LOCAL_UNSEALING
                if is_unsealed
                else RecoveryType.RECOVERY_SHARES,
            )
            return
        if running.state is not NodeState.PART_OF_NETWORK:
            raise Refused(f"Node in state {running.state} cannot open service")
        opening.open_now(tx, running.service_keys)
        self.trigger_snapshot(tx)

    def trigger_ledger_rekey(self, tx: Tx) -> None:
        """Write a new ledger secret for every trusted node, and new shares.

        The proposal's transaction writes them (`ccfpy.service.shares`). Each
        node starts to use the secret when it applies the transaction
        (``TableHooks`` in ``node/table_hooks.py``).
        """
        secrets = self._running.tail.secrets
        self._rekeyed = tx, shares.rekey(tx, secrets, self.entropy)

    def trigger_recovery_shares_refresh(self, tx: Tx) -> None:
        """Issue new shares of the current ledger secret."""
        fresh = None
        if self._rekeyed is not None and self._rekeyed[0] is tx:
            _, fresh = self._rekeyed
        secrets = self._running.tail.secrets
        shares.shuffle(tx, secrets, self.entropy, fresh=fresh)

    def trigger_ledger_chunk(self, tx: Tx) -> None:
        """Close the ledger's chunk at the signature after this transaction."""
        assert not tx.is_ended
        self._running.tail.after_commit(self._running.tail.force_chunk)

    def trigger_snapshot(self, tx: Tx) -> None:
        """Take a snapshot at the signature after this transaction."""
        assert not tx.is_ended
        self._running.tail.after_commit(self._running.snapshots.trigger)

    @property
    def is_reading_private_ledger(self) -> bool:
        """Whether shares were enough and the private state is being restored."""
        return self._running.state is NodeState.READING_PRIVATE_LEDGER

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        """Keep a member's share, sealed; give how many members have handed in theirs.

        ``tx`` also reads the secrets' table: a change of it makes this conflict.
        """
        self.latest_ledger_secret_seqno(tx)
        _, current = self._running.tail.secrets.latest
        return shares.submit(
            tx, MemberId(member_id), share, current=current, entropy=self.entropy
        )

    def initiate_private_recovery(self, tx: Tx) -> None:
        """Combine the submitted shares and send the old secrets to every node.

        Raises:
            Refused: the shares do not open them, or nothing is to be recovered.
        """
        recovery = self._running.recovery
        if recovery is None:
            raise Refused("this node's service is not being recovered")
        recovery.restore_secrets(tx)
