"""What the application learns from committed transactions, one after another."""

from apps.logging.records import ID, MESSAGE, PRIVATE, PUBLIC, app, records_of
from ccfpy.app import (
    Blobs,
    Index,
    Lazy,
    Seqno,
    SeqnosByKeyBucketed,
    Strategy,
    TxId,
    WriteSet,
)

SEQNOS_PER_BUCKET = 10_000
BUCKETS_KEPT = 20


@app.index
def seqnos_by_id(blobs: Blobs) -> Lazy[SeqnosByKeyBucketed[int]]:
    """Learn which transactions wrote a public record, as far as somebody asks."""
    return Lazy(
        SeqnosByKeyBucketed(
            records_of(PUBLIC, None),
            blobs,
            seqnos_per_bucket=SEQNOS_PER_BUCKET,
            buckets_max=BUCKETS_KEPT,
        )
    )


class CommittedRecords(Strategy):
    """The committed private messages, from some transaction on.

    Attributes:
        txid: the last transaction that counts.
        messages: by id.
    """

    def __init__(self, since: TxId) -> None:
        self.name = f"CommittedRecords {PRIVATE}"
        self.txid = since
        self.messages: dict[int, str] = {}

    @property
    def next_requested(self) -> Seqno:
        """Every transaction counts."""
        return self.txid.seqno + 1

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        """Keep what the next transaction wrote."""
        self.txid = tx_id
        for key, value in writes.get(PRIVATE, {}).items():
            if value is None:
                self.messages.pop(ID.decode(key), None)
            else:
                self.messages[ID.decode(key)] = MESSAGE.decode(value)


committed_records: Index[CommittedRecords] = Index()
"""Installed when somebody asks for it, and begun then."""
