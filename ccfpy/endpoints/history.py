"""Questions about the ledger's past: the port between endpoints and their node.

A past state is what one transaction wrote, with the proof that it is in the ledger. The
node may have to read it back from the host first. An endpoint therefore asks under a
handle, gets ``None`` at first, and asks again with the same handle until the states are
there (``include/ccf/historical_queries_interface.h``).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.store import Store

if TYPE_CHECKING:
    from ccfpy.endpoints.pending import Awaited
    from ccfpy.endpoints.session import Session
    from ccfpy.http.messages import Request
    from ccfpy.kv.changes import WriteSet
    from ccfpy.kv.tx import Tx
    from ccfpy.ledger.tx_receipt import TxReceipt


RequestHandle: TypeAlias = Hashable
"""What a caller's requests are told apart by; one handle has one set of seqnos."""
Expiry: TypeAlias = int | None
"""Seconds until what was asked for is forgotten, counted from the last time of asking;
``limits.HISTORY_EXPIRY_S`` if not said."""


class HistoryFailed(CcfpyError):
    """A past state that cannot be had, however often one asks."""


class HistoricalState:
    """What one committed transaction wrote, and its proof.

    Attributes:
        txid: the transaction.
        writes: what it changed, removals included.
    """

    __slots__ = ("_prove", "_receipt", "txid", "writes")

    def __init__(
        self, txid: TxId, writes: "WriteSet", prove: "Callable[[], TxReceipt]"
    ) -> None:
        self.txid = txid
        self.writes = writes
        self._prove = prove
        self._receipt: TxReceipt | None = None

    @property
    def tx(self) -> "Tx":
        """A read-only transaction, new each time, in which only these writes are."""
        seqno = self.txid.seqno
        store = Store(seqno - 1)
        store.apply(seqno, self.writes)
        store.compact(seqno)
        return store.begin(read_only=True)

    @property
    def receipt(self) -> "TxReceipt":
        """The proof that the transaction is in the ledger, worked out when asked."""
        if self._receipt is None:
            self._receipt = self._prove()
        return self._receipt


class History(Protocol):
    """Past states, of committed transactions only.

    Every call under a handle says what its caller wants now: seqnos that were wanted
    before and are not any more are forgotten, others are fetched. What it gives is
    whole, in the order of seqnos, or ``None`` while anything of it is on its way.
    Under pressure for memory the requests not asked about for longest are forgotten
    and begin anew when asked about again.

    The calls raise ``HistoryFailed`` for what cannot be had, and ``ValueError`` for
    seqnos that are none, not committed, or too many (``limits.HISTORY_SEQNOS_MAX``).
    """

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState | None:
        """Return the state at one seqno."""
        ...

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states from one seqno to another, both included."""
        ...

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states at any seqnos, at least one; the same one counts once."""
        ...

    def drop_request(self, handle: RequestHandle) -> bool:
        """Forget what was asked under a handle; tell whether there was anything."""
        ...

    def is_settled(self, handle: RequestHandle) -> bool:
        """Return whether it is of use to ask again: all is there, or was dropped."""
        ...

    def service_keys(self) -> Sequence[bytes] | None:
        """Return the public keys under which this service's COSE receipts verify.

        Today's comes first, then those of the services that it recovered, as far as
        endorsements lead back; in DER (SubjectPublicKeyInfo). ``None`` while
        endorsements are on their way.
        """
        ...

    def wait(
        self,
        request: "Request",
        session: "Session",
        until: Callable[[], bool],
        within_ms: int,
    ) -> "Awaited | None":
        """Run a request again, from its start, as soon as ``until`` says so.

        At the latest it is run when the time is over. ``None`` if it is over already,
        or too many wait: then the caller is answered at once.
        """
        ...
