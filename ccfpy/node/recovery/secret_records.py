"""What the ledger of a lost service records of its ledger secrets.

Each secret is recorded encrypted under the next secret, so that the latest secret opens
all others. A node collects the records when it reads the public state: they are needed
once members hand in their shares.
"""

from typing import TYPE_CHECKING

from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service.tables import recovery

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.ledger.encrypted_shares import SecretRecord
    from ccfpy.node.replication.ledger_tail import LedgerTail


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
