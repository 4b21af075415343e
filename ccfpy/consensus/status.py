"""What a node can say of a transaction id (``include/ccf/tx_status.h``)."""

from enum import StrEnum

from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.consensus.history import ViewHistory


class TxStatus(StrEnum):
    """What a node knows of a transaction; Committed and Invalid are final."""

    UNKNOWN = "Unknown"
    PENDING = "Pending"
    COMMITTED = "Committed"
    INVALID = "Invalid"


def status_of(
    tx_id: TxId, history: ViewHistory, *, last: Seqno, committed: Seqno
) -> TxStatus:
    """Compare an id with the log: its end, its commit and its views.

    An id that is neither committed nor ours is Invalid only once a later view has
    committed something: until then another node may still bring it back.
    """
    ours: View | None = history.view_of(tx_id.seqno) if tx_id.seqno <= last else None
    if tx_id.seqno <= committed:
        return TxStatus.COMMITTED if ours == tx_id.view else TxStatus.INVALID
    if ours == tx_id.view:
        return TxStatus.PENDING
    if history.view_of(committed) > tx_id.view:
        return TxStatus.INVALID
    return TxStatus.UNKNOWN
