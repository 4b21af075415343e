"""An app that writes values of a hundred bytes under numbers, one or thousands at
once."""

from dataclasses import dataclass

from ccfpy.app import U64, ApiError, App, Context, ErrorCode, Map, json_codec

app = App("growing", description="Keeps as many values as it is told to.")

VALUES = Map("values", json_codec(int), json_codec(str))


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The numbers and the value to write."""

    first: int
    count: int
    text: str


@app.post("/fill", auth=["user_cert"])
def fill(ctx: Context, body: Filling) -> None:
    """Write the same value under many numbers."""
    values = VALUES.of(ctx.tx)
    for number in range(body.first, body.first + body.count):
        values.put(number, body.text)


@app.put("/values/{number}", auth=["user_cert"])
def write(ctx: Context, number: U64, body: Value) -> None:
    """Write one value."""
    VALUES.of(ctx.tx).put(number, body.text)


@app.get("/values/{number}", auth=["user_cert"])
def read(ctx: Context, number: U64) -> Value:
    """Read one value."""
    if (text := VALUES.of(ctx.tx).get(number)) is None:
        raise ApiError(404, ErrorCode.ResourceNotFound, f"No value {number}.")
    return Value(text=text)
