"""What a handler is given, and the seam between endpoints and the node they run on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.hashing import DIGEST_BYTES
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.query import Query, parse_query

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.endpoints.auth.policy import Identity
    from ccfpy.endpoints.commit_wait import AnsweringAtCommit, CommitWaiting
    from ccfpy.endpoints.declaration import CommitHandler, Endpoint
    from ccfpy.endpoints.history import HistoricalState, History
    from ccfpy.endpoints.index_strategies import Indexing
    from ccfpy.endpoints.metrics import EndpointCounts
    from ccfpy.endpoints.pending import Awaited
    from ccfpy.endpoints.scripting import Scripting
    from ccfpy.endpoints.session import Session
    from ccfpy.endpoints.tracing import Trace
    from ccfpy.http.messages import Request
    from ccfpy.kv.tx import Tx


class CoseClaims(NamedTuple):
    """The claims of the ledger's COSE signatures, set when the service began."""

    issuer: str
    subject: str


class NodeView(Protocol):
    """What any endpoint may ask the node it runs on."""

    @property
    def node_id(self) -> NodeId:
        """This node."""
        ...

    @property
    def is_primary(self) -> bool:
        """Whether this node may order new transactions."""
        ...

    @property
    def view(self) -> View:
        """The current view."""
        ...

    @property
    def unix_time_us(self) -> int:
        """The host's clock, microseconds since 1970, which nothing may rest on."""
        ...

    @property
    def created_at_latest_s(self) -> int:
        """The latest time at which a request may say that it was signed.

        In seconds since 1970: the host's clock and the tolerance that is configured.
        """
        ...

    @property
    def entropy(self) -> Entropy:
        """Where keys and nonces come from."""
        ...

    @property
    def cose_claims(self) -> "CoseClaims":
        """What the service's COSE signatures claim of themselves."""
        ...

    @property
    def takes_writes(self) -> bool:
        """Whether it is primary and not at capacity: most often both."""
        ...

    def is_at_capacity(self) -> bool:
        """Return whether too many transactions await commit to accept another."""
        ...

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Return the status of a transaction."""
        ...

    def committed_tx_id(self) -> TxId | None:
        """Name the last committed transaction."""
        ...

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a seqno in the current history; ``None`` past its end."""
        ...

    def view_history(self, since: View) -> Sequence[TxId] | None:
        """List the first transaction of each view from ``since``; ``None`` if later."""
        ...

    def endpoint_counts(self) -> "Sequence[EndpointCounts]":
        """List how often this node answered each endpoint, if the app wants counts."""
        ...

    def begin(self, *, read_only: bool) -> "Tx":
        """Open a transaction on the current state."""
        ...

    def commit(self, tx: "Tx", claims_digest: bytes | None) -> TxId | None:
        """Commit; name the transaction, or the state read, or ``None`` if no map was.

        Raises:
            Conflict: another transaction wrote what this one read.
        """
        ...

    def address_of(self, role: str, interface: str) -> str | None:
        """Return the published address of a trusted node in a role, for redirects."""
        ...

    def attest(self, data: bytes) -> Attestation:
        """Make evidence of this node, bound to an application's data."""
        ...

    def forward(self, request: "Request", session: "Session") -> "Awaited":
        """Send a request to the primary, whose answer will be the response.

        Raises:
            ApiError: it cannot be sent.
        """
        ...

    @property
    def commit_waits(self) -> "CommitWaiting":
        """Where responses wait until their transactions are final."""
        ...

    @property
    def answers_at_commit(self) -> "AnsweringAtCommit":
        """Where callers wait whose answers are made once transactions are final."""
        ...

    @property
    def scripts(self) -> "Scripting":
        """What runs JavaScript for an application in Python."""
        ...

    @property
    def history(self) -> "History":
        """The past states of the service."""
        ...

    @property
    def indexing(self) -> "Indexing":
        """The indexes over what is committed."""
        ...


class Context:
    """One execution of one endpoint.

    Attributes:
        params: path parameters, percent-decoded.
        caller: the authenticated caller; ``None`` if the endpoint has no policy.
        apply_writes: overrides the rule that only a 2xx answer commits writes, if its
            trailers have no ``grpc-status`` but 0.
        answer_at_commit: makes the caller wait; called once the transaction is final,
            it makes the answer in place of the handler's. It is given a context in
            which ``historical_state`` is the transaction's own if the status is
            Committed; Pending means that the time is over.
        user_data: anything a handler leaves for its local-commit handler.
        historical_state: of the transaction that the caller asked about, where the
            endpoint's mode is historical.
        trace: of the request, if its caller wants one and the node makes traces; its
            ``id`` is for logs.
    """

    __slots__ = (
        "_claims_digest",
        "_query",
        "_tx",
        "answer_at_commit",
        "apply_writes",
        "caller",
        "endpoint",
        "historical_state",
        "node",
        "params",
        "request",
        "session",
        "trace",
        "user_data",
    )

    def __init__(
        self,
        request: "Request",
        session: "Session",
        node: NodeView,
        endpoint: "Endpoint",
        params: Mapping[str, str],
        tx: "Tx | None",
    ) -> None:
        self.request = request
        self.session = session
        self.node = node
        self.endpoint = endpoint
        self.params = params
        self._tx = tx
        self._query: Query | None = None
        self.caller: Identity | None = None
        self._claims_digest: bytes | None = None
        self.apply_writes: bool | None = None
        self.answer_at_commit: CommitHandler | None = None
        self.user_data: object = None
        self.historical_state: HistoricalState | None = None
        self.trace: Trace | None = None

    @property
    def tx(self) -> "Tx":
        """The transaction; a command endpoint has none and must not ask."""
        assert self._tx is not None, "a command endpoint has no transaction"
        return self._tx

    @property
    def claims_digest(self) -> bytes | None:
        """32 bytes to bind into the transaction's receipt, or nothing.

        Raises:
            ValueError: on setting anything else.
        """
        return self._claims_digest

    @claims_digest.setter
    def claims_digest(self, digest: bytes | None) -> None:
        is_digest = type(digest) is bytes and len(digest) == DIGEST_BYTES
        if not is_digest and digest is not None:
            raise ValueError(f"a claims digest is {DIGEST_BYTES} bytes")
        self._claims_digest = digest

    @property
    def query(self) -> Query:
        """The query string's parameters, parsed when first asked for."""
        if self._query is None:
            self._query = parse_query(self.request.query)
        return self._query

    def evidence(self, data: bytes) -> Attestation:
        """Make fresh evidence of this node's program, bound to ``data``.

        The evidence is of this node alone. To check a key that all nodes share, a
        client asks each node, or asks for a receipt of the transaction that recorded
        the key. The report data is ``app_report_data(data)``, which is never a node's
        own. On a virtual node the evidence is a claim that anybody could write.

        Args:
            data: the data to vouch for, such as a public key with the caller's nonce;
                of any length.
        """
        return self.node.attest(data)

    def body_json(self) -> "Json":
        """Read the body as JSON.

        Raises:
            ApiError: 400 ``InvalidInput`` if it is none.
        """
        try:
            return json.loads(self.request.body)
        except Malformed as error:
            raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
