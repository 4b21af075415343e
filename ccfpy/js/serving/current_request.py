"""The request that is being answered, in every form that extensions ask for.

Extensions are made once for an interpreter and hold this object. The request's context
is put in before the call and taken out after it, so a reused interpreter cannot reach
anything of an earlier request.
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
    """The request that is being answered, in every form that extensions ask for."""

    __slots__ = ("_context",)

    def __init__(self) -> None:
        self._context: Context | None = None

    @property
    def context(self) -> "Context":
        """The request's context."""
        assert self._context is not None, "scripts run only while a request is answered"
        return self._context

    def enter(self, context: "Context") -> None:
        """Set the request."""
        self._context = context

    def leave(self) -> None:
        """Forget the request."""
        self._context = None

    # ccf.kv

    def raw(self, name: str) -> Table:
        """Return a table in the request's transaction."""
        return self.context.tx.raw(name)

    # ccf.rpc

    @property
    def claims_digest(self) -> bytes | None:
        """The claims digest that goes into the transaction's receipt."""
        return self.context.claims_digest

    @claims_digest.setter
    def claims_digest(self, digest: bytes | None) -> None:
        self.context.claims_digest = digest

    @property
    def apply_writes(self) -> bool | None:
        """Whether writes are applied whatever the status is."""
        return self.context.apply_writes

    @apply_writes.setter
    def apply_writes(self, applies: bool | None) -> None:
        self.context.apply_writes = applies

    # ccf.consensus

    def committed_tx_id(self) -> TxId | None:
        """Return the id of the last committed transaction."""
        return self.context.node.committed_tx_id()

    def tx_status(self, tx_id: TxId) -> str:
        """Return a transaction's status in CCF's words."""
        return self.context.node.tx_status(tx_id).value

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a seqno in the current history."""
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
        """Return the request without its body.

        The query is percent-decoded as a whole, before it is split into parameters, and
        the path is not decoded: apps written for CCF expect this.
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
    """Decode a header's bytes as UTF-8, with replacement characters."""
    return value.encode("latin-1").decode(errors="replace")
