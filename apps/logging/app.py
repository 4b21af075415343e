"""The logging application: messages under ids, privately or in the open.

The same as CCF's sample of that name, endpoint by endpoint. It shows most of what an
application can do: several policies, claims in receipts, conditional requests, answers
that know their transaction's id. ``?scope=`` keeps records of different callers apart.
"""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from apps.logging.callers import SelfDescribed, describe, self_described
from apps.logging.records import (
    PRIVATE,
    PUBLIC,
    Message,
    Record,
    app,
    records_of,
)
from ccfpy.app import (
    U64,
    ApiError,
    Context,
    ErrorCode,
    Forwarding,
    Json,
    Matcher,
    MemberCoseSign1Caller,
    Mode,
    Redirection,
    Response,
    TxId,
    UserCertCaller,
    all_of,
    bytes_reply,
    empty_reply,
    json_codec,
    json_reply,
    sha256,
    sha256_hex,
    text_reply,
    user_data,
)

__all__ = ["app"]

TEXT = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a caller learns when it is told its transaction's id."""

    success: bool
    tx_id: str


@app.creation_claims
def claim_constitution(constitution: str) -> bytes:
    """Claim the constitution, so that the service's first receipt proves it."""
    return sha256(constitution.encode())


def _check(
    record: Record, *, complaint: str = "Cannot record an empty log message."
) -> None:
    if not record.msg:
        raise ApiError(400, ErrorCode.InvalidInput, complaint)


def _no_such_record(record_id: int) -> ApiError:
    return ApiError(404, ErrorCode.ResourceNotFound, f"No such record: {record_id}.")


# Private records


@app.post("/log/private")
def record(ctx: Context, body: Record, scope: str | None = None) -> bool:
    """Keep a message."""
    _check(body)
    records_of(PRIVATE, scope).of(ctx.tx).put(body.id, body.msg)
    return True


@app.get("/log/private/backup", redirection=Redirection.TO_BACKUP)
@app.get("/log/private")
def read(ctx: Context, id: U64, scope: str | None = None) -> Message:  # noqa: A002 - the parameter's name is CCF's
    """Read a message."""
    message = records_of(PRIVATE, scope).of(ctx.tx).get(id)
    if message is None:
        raise _no_such_record(id)
    return Message(msg=message)


@app.delete("/log/private")
def remove(ctx: Context, id: U64, scope: str | None = None) -> bool:  # noqa: A002 - the parameter's name is CCF's
    """Remove a message, and tell whether there was one."""
    records = records_of(PRIVATE, scope).of(ctx.tx)
    had = records.has(id)
    records.remove(id)
    return had


@app.delete("/log/private/all")
def clear(ctx: Context, scope: str | None = None) -> bool:
    """Remove every message."""
    records_of(PRIVATE, scope).of(ctx.tx).clear()
    return True


@app.get("/log/private/count", mode=Mode.READ_WRITE)
def count(ctx: Context, scope: str | None = None) -> U64:
    """Count the messages, as the primary sees them."""
    return records_of(PRIVATE, scope).of(ctx.tx).size()


@app.post("/log/private/anonymous", auth=[])
def record_anonymous(ctx: Context, body: Record, scope: str | None = None) -> bool:
    """Keep a message of nobody in particular."""
    _check(body)
    records_of(PRIVATE, scope).of(ctx.tx).put(body.id, f"Anonymous: {body.msg}")
    return True


def _tell_tx_id(ctx: Context, response: Response, tx_id: TxId) -> None:
    """Answer with the transaction's id in the body as well as in the header."""
    if ctx.user_data is None:
        raise ApiError(500, ErrorCode.InternalError, "didn't set user_data!")
    answer = Recorded(success=True, tx_id=str(tx_id))
    response.status = 200
    response.headers["x-ms-ccf-transaction-id"] = answer.tx_id
    response.headers["content-type"] = "application/json"
    response.body = _RECORDED.encode(answer)


_RECORDED = json_codec(Recorded)


@app.post("/log/private/anonymous/v2", auth=[], on_local_commit=_tell_tx_id)
def record_anonymous_v2(
    ctx: Context, body: Record, scope: str | None = None, fail: str | None = None
) -> Recorded | None:
    """Keep a message, and tell its transaction's id."""
    _check(body)
    records_of(PRIVATE, scope).of(ctx.tx).put(body.id, body.msg)
    if fail != "true":
        ctx.user_data = body
    return None  # the answer is made when the transaction has its id


@app.post("/log/private/prefix_cert", auth=["user_cert"])
def record_prefixed(ctx: Context, body: Record, scope: str | None = None) -> bool:
    """Keep a message in the caller's name."""
    _check(body, complaint="Cannot record an empty log message")
    assert isinstance(ctx.caller, UserCertCaller)
    line = f"{ctx.caller.user_id}: {body.msg}"
    records_of(PRIVATE, scope).of(ctx.tx).put(body.id, line)
    return True


@app.post("/log/private/raw_text/{id}", takes=str)
def record_text(ctx: Context, id: U64, scope: str | None = None) -> Response:  # noqa: A002 - the parameter's name is CCF's
    """Keep the body itself as a message."""
    actual = ctx.request.headers.get("content-type", "")
    if actual != TEXT:
        raise ApiError(
            415,
            ErrorCode.InvalidHeaderValue,
            f"Expected content-type '{TEXT}'. Got '{actual}'.",
        )
    line = ctx.request.body.decode(errors="replace")
    records_of(PRIVATE, scope).of(ctx.tx).put(id, line)
    return empty_reply(200)


@app.post("/log/private/admin_only", auth=["user_cert"])
def record_admin_only(ctx: Context, body: Record, scope: str | None = None) -> bool:
    """Keep a message of a user whom the consortium made an administrator."""
    assert isinstance(ctx.caller, UserCertCaller)
    data = user_data(ctx.tx, ctx.caller.user_id)
    if not isinstance(data, dict) or data.get("isAdmin") is not True:
        raise ApiError(
            403, ErrorCode.AuthorizationFailed, "Only admins may access this endpoint."
        )
    _check(body)
    records_of(PRIVATE, scope).of(ctx.tx).put(body.id, body.msg)
    return True


# Public records


def _conditions(ctx: Context) -> tuple[Matcher | None, Matcher | None]:
    """Read ``If-Match`` and ``If-None-Match``, of which one at most may be there."""
    match = ctx.request.headers.get("if-match")
    none_match = ctx.request.headers.get("if-none-match")
    if match is not None and none_match is not None:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            "Cannot have both If-Match and If-None-Match headers.",
        )
    return (
        None if match is None else Matcher.parse(match),
        None if none_match is None else Matcher.parse(none_match),
    )


def _changed() -> ApiError:
    return ApiError(412, ErrorCode.PreconditionFailed, "Resource has changed.")


@app.post("/log/public")
def record_public(
    ctx: Context, body: Record, scope: str | None = None
) -> bool | Response:
    """Keep a message for all to see, unless the caller's condition fails."""
    _check(body)
    records = records_of(PUBLIC, scope).of(ctx.tx)
    match, none_match = _conditions(ctx)
    if match or none_match:
        current = records.get(body.id)
        if current is not None:
            etag = sha256_hex(current.encode())
            if match and not match.matches(etag, strongly=True):
                raise _changed()
            if none_match and none_match.matches(etag):
                raise _changed()
    records.put(body.id, body.msg)
    if body.record_claim:
        ctx.claims_digest = sha256(body.msg.encode())
    return json_reply(True, headers={"etag": sha256_hex(body.msg.encode())})


@app.get("/log/public/backup", redirection=Redirection.TO_BACKUP)
@app.get("/log/public")
def read_public(
    ctx: Context,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    scope: str | None = None,
) -> Message | Response:
    """Read a public message, if the caller's condition asks for it."""
    message = records_of(PUBLIC, scope).of(ctx.tx).get(id)
    if message is None:
        raise _no_such_record(id)
    etag = sha256_hex(message.encode())
    if _is_unmodified(ctx, etag):
        return empty_reply(304)
    return json_reply({"msg": message}, headers={"etag": etag})


@app.delete("/log/public")
def remove_public(
    ctx: Context,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    scope: str | None = None,
) -> bool | Response:
    """Remove a public message, and tell whether there was one."""
    records = records_of(PUBLIC, scope).of(ctx.tx)
    message = records.get(id)
    if message is not None and _is_unmodified(ctx, sha256_hex(message.encode())):
        return empty_reply(304)
    records.remove(id)
    return message is not None


def _is_unmodified(ctx: Context, etag: str) -> bool:
    """Return whether the caller has this version; refuse if another is wanted."""
    match, none_match = _conditions(ctx)
    if match and not match.matches(etag, strongly=True):
        raise _changed()
    return none_match is not None and none_match.matches(etag)


@app.delete("/log/public/all")
def clear_public(ctx: Context, scope: str | None = None) -> bool:
    """Remove every public message."""
    records_of(PUBLIC, scope).of(ctx.tx).clear()
    return True


@app.get("/log/public/count", mode=Mode.READ_WRITE)
def count_public(ctx: Context, scope: str | None = None) -> U64:
    """Count the public messages, as the primary sees them."""
    return records_of(PUBLIC, scope).of(ctx.tx).size()


# Callers


@app.post(
    "/multi_auth",
    # The strictest first, or a laxer one would accept in its place.
    auth=[
        all_of("user_cert", "jwt", "user_cose_sign1"),
        "user_cert",
        "member_cert",
        "any_cert",
        "jwt",
        "user_cose_sign1",
        "no_auth",
    ],
    answers=str,
)
def multi_auth(ctx: Context) -> Response:
    """Describe the caller."""
    return text_reply(describe(ctx, ctx.caller))


@app.get("/custom_auth", auth=[self_described], forwarding=Forwarding.ALWAYS)
def custom_auth(ctx: Context) -> Json:
    """Repeat what the caller says of itself."""
    caller = ctx.caller
    assert isinstance(caller, SelfDescribed)
    return {
        "name": caller.name,
        "age": caller.age,
        "description": f"Your name is {caller.name} and you are {caller.age}",
    }


@app.get("/log/request_query", auth=[], mode=Mode.READ_WRITE, answers=str)
def request_query(ctx: Context) -> Response:
    """Repeat the query string, percent-decoded as a whole."""
    query = unquote_to_bytes(ctx.request.query.replace("+", " "))
    return bytes_reply(query, content_type=TEXT)


@app.post("/log/cose_signed_content", auth=["member_cose_sign1"], answers=str)
def signed_content(ctx: Context) -> Response:
    """Repeat what a member signed."""
    assert isinstance(ctx.caller, MemberCoseSign1Caller)
    return bytes_reply(ctx.caller.content, content_type=TEXT)


@app.get("/cose_signatures_config", forwarding=Forwarding.NEVER)
def cose_signatures_config(ctx: Context) -> Json:
    """Read what the service's COSE signatures claim of themselves."""
    claims = ctx.node.cose_claims
    return {"issuer": claims.issuer, "subject": claims.subject}
