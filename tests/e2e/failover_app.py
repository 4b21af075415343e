"""Lists that show every write that was applied to them, also one applied twice."""

from dataclasses import dataclass

from ccfpy.app import U64, App, Context, Map, json_codec

app = App("failover", title="Lists", description="Keeps lists.", auth=["user_cert"])

LISTS = Map("lists", json_codec(str), json_codec(list[int]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is added to a list."""

    number: U64


@app.post("/lists/{name}")
def add(ctx: Context, name: str, body: Item) -> int:
    """Add to a list; return its length."""
    lists = LISTS.of(ctx.tx)
    items = [*(lists.get(name) or []), body.number]
    lists.put(name, items)
    return len(items)


@app.get("/lists/{name}")
def show(ctx: Context, name: str) -> list[int]:
    """Show a list."""
    return LISTS.of(ctx.tx).get(name) or []
