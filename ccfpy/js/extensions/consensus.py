"""``ccf.consensus``: what this node knows of the status of transactions."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ccfpy.base import json
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.js.extension import ExtensionFunction, internal_error, own_source


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


class ConsensusExtension:
    """The extension ``ccf.consensus``."""

    source: Final = own_source(__name__)

    def __init__(self, consensus: Callable[[], ConsensusView]) -> None:
        self._consensus = consensus

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "lastCommitted": self._last_committed,
            "status": self._status,
            "view": self._view,
        }

    def _last_committed(self) -> str:
        tx_id = self._consensus().committed_tx_id()
        if tx_id is None:
            raise internal_error("Failed to get last committed txid: NotFound")
        return json.dumps({"view": tx_id.view, "seqno": tx_id.seqno}).decode()

    def _status(self, view: float, seqno: float) -> str:
        return str(self._consensus().tx_status(TxId(int(view), int(seqno))))

    def _view(self, seqno: float) -> int | None:
        return self._consensus().view_of(int(seqno))
