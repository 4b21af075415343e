"""``ccf.consensus``: what this node knows of the status of transactions."""

from collections.abc import Callable
from typing import Protocol

from ccfpy.base import json
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.js.extension import StatelessExtension, internal_error, own_source


class ConsensusView(Protocol):
    """What the script may ask of consensus."""

    def committed_tx_id(self) -> TxId | None:
        """Return the id of the last committed transaction."""
        ...

    def tx_status(self, tx_id: TxId) -> str:
        """Return a transaction's status in CCF's words."""
        ...

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a seqno in the current history."""
        ...


_SOURCE = own_source(__name__)


def consensus_extension(consensus: Callable[[], ConsensusView]) -> StatelessExtension:
    """Return the extension ``ccf.consensus``."""

    def last_committed() -> str:
        tx_id = consensus().committed_tx_id()
        if tx_id is None:
            raise internal_error("Failed to get last committed txid: NotFound")
        return json.dumps({"view": tx_id.view, "seqno": tx_id.seqno}).decode()

    def status(view: float, seqno: float) -> str:
        return str(consensus().tx_status(TxId(int(view), int(seqno))))

    def view_of(seqno: float) -> int | None:
        return consensus().view_of(int(seqno))

    return StatelessExtension(
        _SOURCE,
        {"lastCommitted": last_committed, "status": status, "view": view_of},
    )
