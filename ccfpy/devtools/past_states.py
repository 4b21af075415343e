"""What endpoints may ask of the past where transactions lie in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.history import (
    Expiry,
    HistoricalState,
    HistoryFailed,
    RequestHandle,
)
from ccfpy.endpoints.session import Session
from ccfpy.http.messages import Request
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.tx_receipt import TxReceipt


@dataclass(slots=True)
class PastStates:
    """Transactions and what they wrote; all there is can be had at once."""

    _transactions: dict[Seqno, HistoricalState] = field(default_factory=dict)

    def add(
        self, txid: TxId, writes: WriteSet, prove: Callable[[], TxReceipt] | None = None
    ) -> None:
        """Keep a transaction, and how its receipt is made if it can be."""
        state = HistoricalState(txid, writes, prove or _no_receipt)
        self._transactions[txid.seqno] = state

    def txid_of(self, seqno: Seqno) -> TxId | None:
        """Name the transaction at a seqno, if it is there."""
        found = self._transactions.get(seqno)
        return None if found is None else found.txid

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState:
        """Return the state at one seqno."""
        return self.states_for(handle, (seqno,), expiry_s=expiry_s)[0]

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState]:
        """Return the states from one seqno to another, both included."""
        return self.states_for(handle, range(first, last + 1), expiry_s=expiry_s)

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState]:
        """Return the states at any seqnos, in their order.

        Raises:
            HistoryFailed: one of them is not there.
        """
        del handle, expiry_s
        states = []
        for seqno in sorted(set(seqnos)):
            found = self._transactions.get(seqno)
            if found is None:
                raise HistoryFailed(f"there is no transaction {seqno} here")
            states.append(found)
        return states

    def drop_request(self, handle: RequestHandle) -> bool:
        """Do nothing, as nothing is kept."""
        del handle
        return False

    def service_keys(self) -> Sequence[bytes]:
        """Return no key, as nothing here is signed."""
        return ()

    def is_settled(self, handle: RequestHandle) -> bool:
        """Return ``True``: every state is available."""
        del handle
        return True

    def wait(
        self,
        request: Request,
        session: Session,
        until: Callable[[], bool],
        within_ms: int,
    ) -> None:
        """Do nothing, as nothing needs waiting."""
        del request, session, until, within_ms


def _no_receipt() -> NoReturn:
    raise HistoryFailed("no receipt can be made where an app is run without a node")
