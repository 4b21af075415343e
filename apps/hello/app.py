"""A message board: anybody reads, registered users write, the ledger remembers."""

from dataclasses import dataclass

from ccfpy.app import U64, ApiError, App, Context, ErrorCode, Map, json_codec

app = App("hello", description="A message board, kept in a ledger.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody said."""

    text: str


MESSAGES = Map("public:messages", json_codec(int), json_codec(str))


@app.put("/messages/{number}", auth=["user_cert"])
def write(ctx: Context, number: U64, body: Message) -> None:
    """Say something."""
    MESSAGES.of(ctx.tx).put(number, body.text)


@app.get("/messages/{number}")
def read(ctx: Context, number: U64) -> Message:
    """Read what was said."""
    if (text := MESSAGES.of(ctx.tx).get(number)) is None:
        raise ApiError(404, ErrorCode.ResourceNotFound, f"No message {number}.")
    return Message(text=text)
