"""The paths on which administrators bring endpoints in JavaScript.

Azure's documentation writes the path of the options with one more capital letter than
Azure's clients do. Both are served.
"""

from apps.confidential_ledger.app import app
from apps.confidential_ledger.bundles import (
    TABLES,
    install,
    read_bundle,
    refused,
)
from apps.confidential_ledger.callers import Administrator, Reader
from apps.confidential_ledger.tables import BUNDLE, PREFIX
from ccfpy.app import (
    ActionFormat,
    ActionLog,
    ApiError,
    Context,
    ErrorCode,
    Json,
    JsonObject,
    Malformed,
    Response,
    TypedUserCoseSign1,
    UserCoseSign1Caller,
    empty_reply,
    installed_module,
    parse_json,
    patch_runtime_options,
    runtime_options,
)

INSTALL_MS_MAX = 10_000
"""How long the modules of a bundle may take to compile."""
CREATED_AT = "acl.msg.created_at"
SIGNED = TypedUserCoseSign1(
    "userDefinedEndpoints", type_header="acl.msg.type", created_at_header=CREATED_AT
)
"""Accepts a bundle that a user signed, whom members admitted."""
SIGNED_BUNDLES = ActionLog(f"public:{PREFIX}signed")
"""The signed bundles, each of which is taken once."""


@app.get("/userDefinedEndpoints")
def read_endpoints(ctx: Context, _: Reader) -> JsonObject:
    """Read the bundle that was brought last."""
    return read_bundle(ctx)


@app.put(
    "/userDefinedEndpoints",
    auth=[SIGNED, "jwt", "any_cert"],
    status=201,
    takes=Json,
    also={201: None},
    execution_ms_max=INSTALL_MS_MAX,
)
def bring_endpoints(ctx: Context, _: Administrator) -> Response:
    """Replace the endpoints that were brought before.

    The bundle is the body, or what a signed body holds.
    """
    body = _signed(ctx) if isinstance(ctx.caller, UserCoseSign1Caller) else None
    bundle = ctx.request.body if body is None else body
    if not isinstance(parse_json(bundle), dict):
        raise refused("A bundle is an object.")
    BUNDLE.of(ctx.tx).put(bundle)
    install(ctx)
    return empty_reply(201)


def _signed(ctx: Context) -> bytes:
    """Write down a signed request, and return what was signed.

    Raises:
        ApiError: 400, the request does not say when it was signed, or was taken before.
    """
    caller = ctx.caller
    assert isinstance(caller, UserCoseSign1Caller), "the body is signed"
    if caller.created_at is None:
        raise ApiError(
            400,
            ErrorCode.MissingRequiredHeader,
            f"Missing {CREATED_AT} protected header",
        )
    SIGNED_BUNDLES.record(
        ctx.tx,
        ActionFormat.COSE,
        user_id=caller.user_id,
        action=f"{ctx.endpoint.path} {ctx.request.path}",
        body=ctx.request.body,
    )
    SIGNED_BUNDLES.refuse_replay(ctx, caller)
    return caller.content


@app.get("/userDefinedEndpoints/modules")
def read_module(ctx: Context, _: Reader, module_name: str) -> JsonObject:
    """Read a module."""
    source = installed_module(TABLES, ctx.tx, module_name)
    if source is None:
        raise ApiError(404, ErrorCode.ResourceNotFound, "There is no such module.")
    return {"name": module_name, "module": source}


@app.get("/userDefinedEndpoints/runTimeOptions", hidden=True)
@app.get("/userDefinedEndpoints/runtimeOptions")
def read_options(ctx: Context, _: Reader) -> JsonObject:
    """Read what a script may use."""
    return runtime_options(TABLES, ctx.tx)


@app.patch("/userDefinedEndpoints/runTimeOptions", takes=Json, hidden=True)
@app.patch("/userDefinedEndpoints/runtimeOptions", takes=Json)
def change_options(ctx: Context, _: Administrator) -> JsonObject:
    """Change what a script may use."""
    try:
        return patch_runtime_options(TABLES, ctx.tx, ctx.body_json())
    except Malformed as error:
        raise refused(str(error)) from error
