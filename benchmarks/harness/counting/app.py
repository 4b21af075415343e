"""The same app as ``src/count.js``, in Python."""

from dataclasses import dataclass

from ccfpy.app import App, Context, Map, json_codec

app = App("counting", description="Adds to counts.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    count: int


COUNTS = Map("counts", json_codec(str), json_codec(int))


@app.post("/python/{key}", auth=["user_cert"])
def add(ctx: Context, key: str, body: Addition) -> Count:
    """Add to a count."""
    counts = COUNTS.of(ctx.tx)
    count = (counts.get(key) or 0) + body.by
    counts.put(key, count)
    return Count(count=count)
