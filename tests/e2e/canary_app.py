"""An application that does with its callers' secrets whatever an application may do.

It is careful in its maps and careless everywhere else: it raises what it was told, and
says it aloud.
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
    """What to keep, and under what."""

    key: str
    value: str


def _private(scope: str) -> Map[str, str]:
    return Map(scope, STRING, STRING)


EMPTY: dict[str, str] = {}
PUBLIC = Map("public:shown", STRING, STRING)


@app.put("/private")
def write(ctx: Context, body: Pair, scope: str) -> bool:
    """Keep a secret, in a map whose name is one."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    return True


@app.put("/header")
def write_header(ctx: Context, scope: str) -> bool:
    """Keep what a header says."""
    _private(scope).of(ctx.tx).put("header", ctx.request.headers["x-secret"])
    return True


@app.get("/private")
def read(ctx: Context, key: str, scope: str) -> str | None:
    """Read a secret."""
    return _private(scope).of(ctx.tx).get(key)


@app.put("/public")
def show(ctx: Context, body: Pair) -> bool:
    """Write for everybody."""
    PUBLIC.of(ctx.tx).put(body.key, body.value)
    return True


@app.post("/refused")
def refuse(ctx: Context, body: Pair, scope: str) -> None:
    """Refuse in the caller's own words, after a write that is then undone."""
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
    """Find something else in a map than what its codec reads."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    Map(scope, STRING, json_codec(int)).of(ctx.tx).get(body.key)


@app.post("/endless", execution_ms_max=100)
def hold(ctx: Context, body: Pair, scope: str) -> None:
    """Go on for good, with a secret in hand."""
    while True:
        _private(scope).of(ctx.tx).put(body.key, body.value)


def _fail_late(ctx: Context, response: Response, tx_id: TxId) -> None:
    raise RuntimeError(f"{ctx.request.body!r} {response.body!r} {tx_id}")


@app.post("/broken/late", on_local_commit=_fail_late)
def fail_late(ctx: Context, body: Pair, scope: str) -> bool:
    """Succeed, and fail once that is in the ledger."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    return True


@app.post("/aloud")
def say(ctx: Context, body: Pair, scope: str) -> bool:
    """Say a secret wherever Python lets one speak."""
    _private(scope).of(ctx.tx).put(body.key, body.value)
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"{body.value}\n")
        stream.flush()
    logging.getLogger().critical(body.value)
    return True


@app.get("/guarded", auth=["jwt"])
def guard(ctx: Context) -> bool:
    """Answer nobody: no issuer is known."""
    del ctx
    return True
