"""The application of a fault run: objects that show what was written to them.

An object's kind says how much of its history it keeps: a list all, a register the last
two writes, a counter its own count and the last. Their state is private; that a write
was carried out, and as which of its object, is public, so that an auditor without keys
reads it from the ledger.
"""

from dataclasses import dataclass

from ccfpy.app import U64, ApiError, App, Context, ErrorCode, Map, json_codec

app = App(
    "faults",
    title="Objects under faults",
    description="Keeps lists, registers and counters that show their own history.",
    auth=["user_cert"],
)

KEPT = {"list": 1_000_000, "register": 2, "counter": 1}
"""How many of an object's latest writes it shows, by its kind."""


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


OBJECTS = Map("objects", json_codec(str), json_codec(Shown))
WRITES = Map("public:writes", json_codec(int), json_codec(Written))


@app.post("/objects/{kind}/{name}")
def write(ctx: Context, kind: str, name: str, body: Write) -> Shown:
    """Write to an object; show it with that write."""
    key, kept = _key(kind, name), KEPT[kind]
    objects, writes = OBJECTS.of(ctx.tx), WRITES.of(ctx.tx)
    if writes.has(body.op):
        raise ApiError(
            400, ErrorCode.InvalidInput, f"Write {body.op} has been carried out."
        )
    before = objects.get(key) or Shown(count=0, tail=[])
    after = Shown(count=before.count + 1, tail=[*before.tail, body.op][-kept:])
    objects.put(key, after)
    writes.put(body.op, Written(key=key, count=after.count))
    return after


@app.get("/objects/{kind}/{name}")
def read(ctx: Context, kind: str, name: str) -> Shown:
    """Show an object."""
    return OBJECTS.of(ctx.tx).get(_key(kind, name)) or Shown(count=0, tail=[])


def _key(kind: str, name: str) -> str:
    if kind not in KEPT:
        raise ApiError(404, ErrorCode.ResourceNotFound, f"No kind of object {kind}.")
    return f"{kind}/{name}"
