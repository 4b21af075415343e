"""An application without the common endpoints: it asks the node for each answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ccfpy.app import (
    ApiError,
    App,
    Context,
    ErrorCode,
    JsonObject,
    Mode,
    NodeId,
    TxId,
    node_quote,
    trusted_node_quotes,
)

app = App(
    "nobuiltins",
    title="CCF No Builtins App",
    description="A minimal application, with no endpoints but its own.",
    has_common_endpoints=False,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeQuote:
    """The evidence with which a node joined."""

    quote_format: str
    quote: bytes
    endorsements: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """A node, its evidence, and what it knows to be committed."""

    quote_format: str
    quote: bytes
    endorsements: bytes
    committed_view: int
    committed_seqno: int
    node_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllNodesSummary:
    """The evidence of every trusted node, by node id."""

    nodes: dict[str, NodeQuote]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction's id."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A moment, ISO 8601."""

    timestamp: str


@app.get("/node_summary")
def node_summary(ctx: Context) -> NodeSummary:
    """Describe the node that answers."""
    node_id = NodeId(ctx.node.node_id)
    quote = node_quote(ctx.tx, node_id)
    if quote is None:
        raise _failure("Failed to get quote: NotFound")
    committed = _committed(ctx)
    return NodeSummary(
        quote_format=quote.format.value,
        quote=quote.quote,
        endorsements=quote.endorsements,
        committed_view=committed.view,
        committed_seqno=committed.seqno,
        node_id=node_id,
    )


@app.get("/all_nodes")
def all_nodes(ctx: Context) -> AllNodesSummary:
    """Read the evidence of every trusted node."""
    quotes = trusted_node_quotes(ctx.tx)
    return AllNodesSummary(
        nodes={
            str(node_id): NodeQuote(
                quote_format=quote.format.value,
                quote=quote.quote,
                endorsements=quote.endorsements,
            )
            for node_id, quote in quotes.items()
        }
    )


@app.get("/api")
def api(_: Context) -> JsonObject:
    """Describe this application."""
    return app.openapi()


@app.get("/commit", mode=Mode.COMMAND)
def commit(ctx: Context) -> Transaction:
    """Name the last committed transaction."""
    return Transaction(transaction_id=str(_committed(ctx)))


@app.get("/tx_id", mode=Mode.COMMAND)
def tx_id(ctx: Context, seqno: str | None = None) -> Transaction:
    """Name the transaction at a seqno."""
    if seqno is None:
        raise ApiError(400, ErrorCode.InvalidInput, "Missing query parameter 'seqno'")
    if not seqno.isdecimal() or not seqno.isascii():
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"Query parameter '{seqno}' cannot be parsed as a seqno",
        )
    view = ctx.node.view_of(int(seqno))
    if view is None:
        raise _failure("Unable to construct TxID: NotFound")
    return Transaction(transaction_id=str(TxId(view, int(seqno))))


@app.get("/current_time", mode=Mode.COMMAND)
def current_time(ctx: Context) -> Time:
    """Read the host's time, which nobody vouches for."""
    now = _EPOCH + timedelta(microseconds=ctx.node.unix_time_us)
    return Time(timestamp=now.isoformat(timespec="microseconds"))


def _committed(ctx: Context) -> TxId:
    return ctx.node.committed_tx_id() or TxId(0, 0)


def _failure(message: str) -> ApiError:
    return ApiError(500, ErrorCode.InternalError, message)
