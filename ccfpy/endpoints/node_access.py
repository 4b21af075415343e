"""The node as an application's code sees it, which may be running beside the node.

Each question that reads more than one fact of the node is asked while the node stands
still (`AppThreads.inside`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.context import CoseClaims, NodeView
from ccfpy.endpoints.history import Expiry, HistoricalState, History, RequestHandle

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.endpoints.commit_wait import AnsweringAtCommit, CommitWaiting
    from ccfpy.endpoints.index_strategies import Blobs, Index, Indexing, Kind, Strategy
    from ccfpy.endpoints.metrics import EndpointCounts
    from ccfpy.endpoints.pending import Awaited
    from ccfpy.endpoints.scripting import Scripting
    from ccfpy.endpoints.session import Session
    from ccfpy.http.messages import Request
    from ccfpy.kv.tx import Tx


class NodeInside:
    """A `NodeView` for code that may run beside the node."""

    def __init__(self, node: NodeView, threads: AppThreads) -> None:
        self._node = node
        self._threads = threads

    # Facts that are one each

    @property
    def node_id(self) -> NodeId:
        """This node."""
        return self._node.node_id

    @property
    def is_primary(self) -> bool:
        """Whether this node may order new transactions."""
        return self._node.is_primary

    @property
    def view(self) -> View:
        """The current view."""
        return self._node.view

    @property
    def unix_time_us(self) -> int:
        """The host's clock."""
        return self._node.unix_time_us

    @property
    def created_at_latest_s(self) -> int:
        """The latest time at which a request may say that it was signed."""
        return self._node.created_at_latest_s

    @property
    def entropy(self) -> Entropy:
        """Where keys and nonces come from."""
        return self._node.entropy

    @property
    def cose_claims(self) -> CoseClaims:
        """What the service's COSE signatures claim of themselves."""
        return self._node.cose_claims

    @property
    def takes_writes(self) -> bool:
        """Whether it is primary and not at capacity."""
        return self._node.takes_writes

    # Questions

    def is_at_capacity(self) -> bool:
        """Return whether too many transactions await commit to accept another."""
        return self._node.is_at_capacity()

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Return the status of a transaction."""
        return self._threads.inside(self._node.tx_status, tx_id)

    def committed_tx_id(self) -> TxId | None:
        """Name the last committed transaction."""
        return self._threads.inside(lambda _: self._node.committed_tx_id(), None)

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a seqno in the current history."""
        return self._threads.inside(self._node.view_of, seqno)

    def view_history(self, since: View) -> Sequence[TxId] | None:
        """List the first transaction of each view from ``since``."""
        return self._threads.inside(self._node.view_history, since)

    def endpoint_counts(self) -> "Sequence[EndpointCounts]":
        """List how often this node answered each endpoint."""
        return self._threads.inside(lambda _: self._node.endpoint_counts(), None)

    def begin(self, *, read_only: bool) -> "Tx":
        """Open a transaction on the current state."""
        return self._threads.inside(
            lambda _: self._node.begin(read_only=read_only), None
        )

    def commit(self, tx: "Tx", claims_digest: bytes | None) -> TxId | None:
        """Commit a transaction."""
        return self._threads.inside(
            lambda given: self._node.commit(given, claims_digest), tx
        )

    def address_of(self, role: str, interface: str) -> str | None:
        """Return the published address of a trusted node in a role."""
        return self._threads.inside(
            lambda given: self._node.address_of(given, interface), role
        )

    def attest(self, data: bytes) -> Attestation:
        """Make evidence of this node, bound to an application's data."""
        return self._threads.inside(self._node.attest, data)

    def forward(self, request: "Request", session: "Session") -> "Awaited":
        """Send a request to the primary."""
        return self._threads.inside(
            lambda given: self._node.forward(given, session), request
        )

    @property
    def commit_waits(self) -> "CommitWaiting":
        """Where responses wait until their transactions are final."""
        return self._node.commit_waits

    @property
    def answers_at_commit(self) -> "AnsweringAtCommit":
        """Where callers wait whose answers are made once transactions are final."""
        return self._node.answers_at_commit

    @property
    def scripts(self) -> "Scripting":
        """What runs JavaScript; it asks the node by ``inside`` itself."""
        return self._node.scripts

    @property
    def history(self) -> History:
        """The past states of the service."""
        return _HistoryInside(self._node.history, self._threads)

    @property
    def indexing(self) -> "Indexing":
        """The indexes over what is committed."""
        return _IndexingInside(self._node.indexing, self._threads)


class _HistoryInside:
    """Past states, for code that may run beside the node."""

    def __init__(self, history: History, threads: AppThreads) -> None:
        self._history = history
        self._threads = threads

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState | None:
        """Return the state at one seqno."""
        return self._threads.inside(
            lambda _: self._history.state_at(handle, seqno, expiry_s=expiry_s), None
        )

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states from one seqno to another, both included."""
        return self._threads.inside(
            lambda _: self._history.states_range(
                handle, first, last, expiry_s=expiry_s
            ),
            None,
        )

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states at any seqnos."""
        wanted = list(seqnos)  # what is the application's may run out there
        return self._threads.inside(
            lambda _: self._history.states_for(handle, wanted, expiry_s=expiry_s), None
        )

    def drop_request(self, handle: RequestHandle) -> bool:
        """Forget what was asked under a handle; tell whether there was anything."""
        return self._threads.inside(self._history.drop_request, handle)

    def is_settled(self, handle: RequestHandle) -> bool:
        """Return whether it is of use to ask again."""
        return self._threads.inside(self._history.is_settled, handle)

    def service_keys(self) -> Sequence[bytes] | None:
        """Return the keys of this service and of those that it recovered."""
        return self._threads.inside(lambda _: self._history.service_keys(), None)

    def wait(
        self,
        request: "Request",
        session: "Session",
        until: Callable[[], bool],
        within_ms: int,
    ) -> "Awaited | None":
        """Run a request again, from its start, as soon as ``until`` says so."""
        return self._threads.inside(
            lambda _: self._history.wait(request, session, until, within_ms), None
        )


class _IndexingInside:
    """The indexes of a node, for code that may run beside the node."""

    def __init__(self, indexing: "Indexing", threads: AppThreads) -> None:
        self._indexing = indexing
        self._threads = threads

    @property
    def blobs(self) -> "Blobs":
        """Where strategies keep what would take too much memory."""
        return self._indexing.blobs

    def install(self, index: "Index[Any]", strategy: "Strategy") -> None:
        """Pass committed transactions to a strategy, from now on."""
        self._threads.inside(
            lambda given: self._indexing.install(given, strategy), index
        )

    def uninstall(self, index: "Index[Any]") -> None:
        """Forget the strategy of an index."""
        self._threads.inside(self._indexing.uninstall, index)

    def strategy(self, index: "Index[Kind]") -> "Kind | None":
        """Return the strategy of an index, if it has one."""
        return self._threads.inside(self._indexing.strategy, index)

    def describe(self) -> "list[Json]":
        """Describe all strategies for operators."""
        return self._threads.inside(lambda _: self._indexing.describe(), None)
