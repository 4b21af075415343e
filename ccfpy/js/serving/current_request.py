"""The request at hand, in every form that an interpreter's extensions ask for.

Extensions are made once for an interpreter and hold this; who serves a request puts its
context in and takes it out again, so that nothing of one request is reachable from the
next, even where an interpreter is kept.
"""

from typing import TYPE_CHECKING

from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.http.query import decode_component
from ccfpy.js.extensions.description import Description
from ccfpy.js.extensions.kv import Table
from ccfpy.js.serving.caller import caller_json, signed_content

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.history import HistoricalState, History


class CurrentRequest:
    """The request being answered, in every form that an extension asks for."""

    __slots__ = ("_context",)

    def __init__(self) -> None:
        self._context: Context | None = None

    @property
    def context(self) -> "Context":
        """Its context."""
        assert self._context is not None, "guests run only while a request is answered"
        return self._context

    def enter(self, context: "Context") -> None:
        """Let this be the request."""
        self._context = context

    def leave(self) -> None:
        """Forget the request."""
        self._context = None

    # ccf.kv

    def raw(self, name: str) -> Table:
        """Give a table in the request's transaction."""
        return self.context.tx.raw(name)

    # ccf.rpc

    @property
    def claims_digest(self) -> bytes | None:
        """What is bound into the transaction's receipt."""
        return self.context.claims_digest

    @claims_digest.setter
    def claims_digest(self, digest: bytes | None) -> None:
        self.context.claims_digest = digest

    @property
    def apply_writes(self) -> bool | None:
        """Whether writes count whatever the status is."""
        return self.context.apply_writes

    @apply_writes.setter
    def apply_writes(self, applies: bool | None) -> None:
        self.context.apply_writes = applies

    # ccf.consensus

    def committed_tx_id(self) -> TxId | None:
        """Name the last committed transaction."""
        return self.context.node.committed_tx_id()

    def tx_status(self, tx_id: TxId) -> str:
        """Give a transaction's status in CCF's words."""
        return self.context.node.tx_status(tx_id).value

    def view_of(self, seqno: Seqno) -> View | None:
        """Give the view of a seqno in the current history."""
        return self.context.node.view_of(seqno)

    # ccf.historical

    @property
    def history(self) -> "History":
        """The node's past states."""
        return self.context.node.history

    @property
    def historical_state(self) -> "HistoricalState | None":
        """The state that the caller asked about."""
        return self.context.historical_state

    # The request itself

    def described(self) -> Description:
        """Give all of the request but its body.

        The query is percent-decoded as a whole, before anybody tells its parameters
        apart, and the path is not decoded at all: so apps written for CCF expect it.
        """
        context = self.context
        request = context.request
        query, path = request.query, request.path
        if query:
            query = decode_component(query)
        headers = request.headers
        if not "".join(headers.values()).isascii():
            headers = {name: _utf8(value) for name, value in headers.items()}
        return Description(
            headers,
            query,
            path,
            request.method,
            headers.get("host"),
            f"/app{context.endpoint.path}",
            f"{path}?{query}" if query else path,
            context.params,
            caller_json(context.caller, context.tx),
        )

    @property
    def body(self) -> bytes:
        """The request's body."""
        return self.context.request.body

    @property
    def signed_content(self) -> bytes:
        """What the caller signed."""
        return signed_content(self.context.caller)


def _utf8(value: str) -> str:
    """Read a header's bytes as the text they most likely are."""
    return value.encode("latin-1").decode(errors="replace")
