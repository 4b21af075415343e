"""Records by key, with as little around them as possible: for measuring.

Nothing is forwarded, so that what is measured is one node's own work.
"""

from ccfpy.app import (
    ApiError,
    App,
    Context,
    ErrorCode,
    Forwarding,
    Map,
    Response,
    bytes_reply,
    json_codec,
)

app = App(
    "basic",
    title="CCF Basic App",
    description="Records by key, for measuring what a service can carry.",
    auth=["user_cert"],
)

RECORDS = Map("records", json_codec(str), json_codec(bytes))


@app.put("/records/{key}", forwarding=Forwarding.NEVER)
def put_record(ctx: Context, key: str) -> None:
    """Keep the body under a key."""
    RECORDS.of(ctx.tx).put(key, ctx.request.body)


@app.get("/records/{key}", forwarding=Forwarding.NEVER)
def get_record(ctx: Context, key: str) -> Response:
    """Read what is kept under a key."""
    record = RECORDS.of(ctx.tx).get(key)
    if record is None:
        raise ApiError(404, ErrorCode.InvalidResourceName, "No such key")
    return bytes_reply(record, content_type="text/plain")


@app.post("/records")
def post_records(ctx: Context, body: dict[str, str]) -> None:
    """Keep many records in one transaction."""
    records = RECORDS.of(ctx.tx)
    for key, value in body.items():
        records.put(key, value.encode())
