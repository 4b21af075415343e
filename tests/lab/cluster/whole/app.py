"""The application of simulated nodes: objects that show what was written to them.

An object's state is private. A private word is kept with every write too: the bytes
that leave a node are searched for it, because it must not leave. That a write was
carried out, and as which of its object, is public. The past is shown with its proofs.
"""

from dataclasses import dataclass

from ccfpy.app import (
    U64,
    Answer,
    ApiError,
    App,
    Blobs,
    Context,
    ErrorCode,
    Json,
    Map,
    SeqnosByKey,
    json_codec,
    not_yet,
)
from tests.lab.slow_calls import may_stop

app = App(
    "objects",
    title="Objects",
    description="Keeps objects that show their own history.",
    auth=["no_auth"],
)

TAIL = 4
"""How many of its latest writes an object shows."""
CANARY = "canary-in-the-mine"
"""Part of every private word."""
PAST = 4
"""How many transactions are shown at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write, by a number that serves once."""

    op: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An object.

    Attributes:
        count: how many writes it has had.
        tail: the latest of them.
    """

    count: int
    tail: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the ledger says of a write."""

    key: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A past transaction.

    Attributes:
        tables: what it wrote to, in order.
    """

    txid: str
    tables: list[str]
    receipt: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """The transactions that wrote an object, as far as the index has come."""

    reached: int
    seqnos: list[int]


OBJECTS = Map("objects", json_codec(str), json_codec(Shown))
WORDS = Map("words", json_codec(str), json_codec(str))
WRITES = Map("public:writes", json_codec(int), json_codec(Written))


@app.post("/objects/{name}")
def write(ctx: Context, name: str, body: Write) -> Shown:
    """Write to an object; show it with that write."""
    objects = OBJECTS.of(ctx.tx)
    before = objects.get(name) or Shown(count=0, tail=[])
    may_stop()
    after = Shown(count=before.count + 1, tail=[*before.tail, body.op][-TAIL:])
    objects.put(name, after)
    WORDS.of(ctx.tx).put(name, f"{CANARY}-{body.op}")
    WRITES.of(ctx.tx).put(body.op, Written(key=name, count=after.count))
    return after


@app.get("/objects/{name}")
def read(ctx: Context, name: str) -> Shown:
    """Show an object, if all that is known of its last write is of one state."""
    shown = OBJECTS.of(ctx.tx).get(name) or Shown(count=0, tail=[])
    may_stop()
    for op in shown.tail[-1:]:
        word, written = WORDS.of(ctx.tx).get(name), WRITES.of(ctx.tx).get(op)
        if (word, written) != (
            f"{CANARY}-{op}",
            Written(key=name, count=shown.count),
        ):
            raise ApiError(500, ErrorCode.InternalError, "Two states were read.")
    return shown


@app.index
def writes_of(_: Blobs) -> SeqnosByKey[str]:
    """Learn which transactions wrote an object."""
    return SeqnosByKey(OBJECTS)


@app.get("/writers/{name}")
def writers(ctx: Context, name: str) -> Writers:
    """Show which transactions wrote an object."""
    index = writes_of.of(ctx.node)
    return Writers(reached=index.indexed_up_to.seqno, seqnos=index.all_write_txs(name))


@app.get("/past/{last}")
def past(ctx: Context, last: int) -> list[Told] | Answer:
    """Show the transactions up to one, with their proofs."""
    history = ctx.node.history
    handle = ("past", last)
    try:
        states = history.states_range(handle, max(1, last + 1 - PAST), last)
    except ValueError as error:
        raise ApiError(404, ErrorCode.TransactionNotFound, str(error)) from error
    if states is None:
        return not_yet(ctx, "It is read.", lambda: history.is_settled(handle))
    return [
        Told(
            txid=str(state.txid),
            tables=sorted(state.writes),
            receipt=state.receipt.describe_v1(),
        )
        for state in states
    ]
