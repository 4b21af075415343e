"""Orders, for a look at every panel of the dashboard: an index, scripts, and endpoints
that are counted apart."""

from ccfpy.app import (
    GOVERNED,
    App,
    Blobs,
    Context,
    Map,
    Scripts,
    SeqnosByKey,
    json_codec,
)

app = App("orders", auth=[])
ORDERS = Map("orders", json_codec(int), json_codec(str))
app.serve_scripts(Scripts(tables=GOVERNED))


@app.index
def by_number(_: Blobs) -> SeqnosByKey[int]:
    """Index the transactions of each order."""
    return SeqnosByKey(ORDERS)


@app.put("/orders/{number}", metrics=True)
def write(ctx: Context, number: int, body: str) -> None:
    """Keep an order."""
    ORDERS.of(ctx.tx).put(number, body)


@app.get("/orders/{number}", metrics=True)
def read(ctx: Context, number: int) -> str | None:
    """Return an order."""
    return ORDERS.of(ctx.tx).get(number)
