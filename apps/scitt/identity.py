"""What the service says of itself: its keys, and how members configured it."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.scitt.configuration import WRITTEN
from apps.scitt.cose_key import ServiceKey
from apps.scitt.dialect import CBOR
from apps.scitt.limits import KEYS_WAIT_MS
from apps.scitt.problems import CONTENT_TYPE, Problem
from apps.scitt.service import VERSION, app
from ccfpy.app import (
    Answer,
    Context,
    Forwarding,
    HistoryFailed,
    Json,
    Response,
    bytes_reply,
    encode_cbor,
    json_reply,
    parse_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The version of the application."""

    version: str


def _keys(ctx: Context) -> Sequence[ServiceKey] | Answer:
    """Return every key under which receipts verify, or wait until they are read."""
    history = ctx.node.history
    try:
        keys = history.service_keys()
    except HistoryFailed as error:
        raise _unavailable() from error
    if keys is not None:
        return [ServiceKey.of(der) for der in keys]
    awaited = history.wait(
        ctx.request,
        ctx.session,
        lambda: history.service_keys() is not None,
        KEYS_WAIT_MS,
    )
    if awaited is None:
        raise _unavailable()
    return awaited


def _unavailable() -> Problem:
    return Problem(503, "InternalError", "The keys of the service are not read yet")


@app.get(
    "/.well-known/scitt-keys",
    forwarding=Forwarding.NEVER,
    answers=bytes,
    also={503: CONTENT_TYPE},
)
def list_keys(ctx: Context) -> Answer:
    """List the keys under which receipts verify, as a COSE_KeySet."""
    keys = _keys(ctx)
    if not isinstance(keys, Sequence):
        return keys
    return _cbor([key.to_cose() for key in keys])


@app.get(
    "/.well-known/scitt-keys/{kid}",
    forwarding=Forwarding.NEVER,
    answers=bytes,
    also={404: CONTENT_TYPE, 503: CONTENT_TYPE},
)
def read_key(ctx: Context, kid: str) -> Answer:
    """Read one of these keys, as a COSE_Key."""
    keys = _keys(ctx)
    if not isinstance(keys, Sequence):
        return keys
    for key in keys:
        if key.kid == kid:
            return _cbor(key.to_cose())
    raise Problem(404, "No such key", f"No key of the service has the kid {kid[:128]}")


@app.get("/jwks", forwarding=Forwarding.NEVER, answers=Json, also={503: CONTENT_TYPE})
def list_jwks(ctx: Context) -> Answer:
    """List the same keys as JSON."""
    keys = _keys(ctx)
    if not isinstance(keys, Sequence):
        return keys
    return json_reply({"keys": [key.to_jwk() for key in keys]})


@app.get(
    "/.well-known/transparency-configuration",
    forwarding=Forwarding.NEVER,
    answers=bytes,
)
def read_transparency_configuration(ctx: Context) -> Response:
    """Name the issuer of receipts, and where its keys are."""
    issuer = ctx.node.cose_claims.issuer
    return _cbor({"issuer": issuer, "jwks_uri": f"https://{issuer}/jwks"})


@app.get("/configuration", forwarding=Forwarding.NEVER, answers=Json)
def read_configuration(ctx: Context) -> Response:
    """Read what members decided."""
    written = WRITTEN.of(ctx.tx).get()
    return json_reply({} if written is None else parse_json(written))


@app.get("/version", forwarding=Forwarding.NEVER)
def read_version(_: Context) -> Version:
    """Read the version of the application."""
    return Version(version=VERSION)


def _cbor(value: object) -> Response:
    return bytes_reply(encode_cbor(value), content_type=CBOR)
