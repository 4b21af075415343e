"""An application that leaks its callers' secrets in every way that an application may.

It is careful in its maps and careless everywhere else: it raises exceptions with its
input, and prints the input.
"""

import logging
import sys
from dataclasses import dataclass

from ccfpy.app import (
    STRING,
    ApiError,
    App,
    Context,
    ErrorCode,
    Map,
    Response,
    TxId,
    json_codec,
)

app = App("canaries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The value to keep, and its key."""

    key: str
    value: str


def _private(scope: str) -> Map[str, str]:
    return Map(scope, STRING, STRING)


EMPTY: dict[str, str] = {}
PUBLIC = Map("public:shown", STRING, STRING)


@app.put("/private")
def write(ctx: Context, body: Pair, scope: str) -> bool:
    """Keep a secret, in a map whose name is a secret."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    return True


@app.put("/header")
def write_header(ctx: Context, scope: str) -> bool:
    """Keep the value of a header."""
    _private(scope).of(ctx.tx).put("header", ctx.request.headers["x-secret"])
    return True


@app.get("/private")
def read(ctx: Context, key: str, scope: str) -> str | None:
    """Read a secret."""
    return _private(scope).of(ctx.tx).get(key)


@app.put("/public")
def show(ctx: Context, body: Pair) -> bool:
    """Write a public value."""
    PUBLIC.of(ctx.tx).put(body.key, body.value)
    return True


@app.post("/refused")
def refuse(ctx: Context, body: Pair, scope: str) -> None:
    """Refuse with the caller's own words, after a write that is then undone."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    raise ApiError(403, ErrorCode.AuthorizationFailed, f"not {body.value}")


@app.post("/broken")
def fail(ctx: Context, body: Pair, scope: str) -> None:
    """Fail with a secret in the exception's message, notes and cause."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    try:
        EMPTY[body.key]
    except KeyError as cause:
        cause.add_note(body.value)
        raise RuntimeError(body.value) from cause


@app.post("/unreadable")
def misread(ctx: Context, body: Pair, scope: str) -> None:
    """Find in a map a value that the map's codec cannot read."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    Map(scope, STRING, json_codec(int)).of(ctx.tx).get(body.key)


@app.post("/endless", execution_ms_max=100)
def hold(ctx: Context, body: Pair, scope: str) -> None:
    """Run for ever, with a secret in memory."""
    while True:
        _private(scope).of(ctx.tx).put(body.key, body.value)


def _fail_late(ctx: Context, response: Response, tx_id: TxId) -> None:
    raise RuntimeError(f"{ctx.request.body!r} {response.body!r} {tx_id}")


@app.post("/broken/late", on_local_commit=_fail_late)
def fail_late(ctx: Context, body: Pair, scope: str) -> bool:
    """Succeed, and fail after the write is in the ledger."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    return True


@app.post("/aloud")
def say(ctx: Context, body: Pair, scope: str) -> bool:
    """Print a secret in every way that Python has."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"{body.value}\n")
        stream.flush()
    logging.getLogger().critical(body.value)
    return True


@app.get("/guarded", auth=["jwt"])
def guard(ctx: Context) -> bool:
    """Answer no caller: no issuer is known."""
    del ctx
    return True
