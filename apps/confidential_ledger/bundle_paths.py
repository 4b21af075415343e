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
from apps.confidential_ledger.tables import BUNDLE
from ccfpy.app import (
    ApiError,
    Context,
    ErrorCode,
    Json,
    JsonObject,
    Malformed,
    Response,
    empty_reply,
    installed_module,
    patch_runtime_options,
    runtime_options,
)

INSTALL_MS_MAX = 10_000
"""How long the modules of a bundle may take to compile."""


@app.get("/userDefinedEndpoints")
def read_endpoints(ctx: Context, _: Reader) -> JsonObject:
    """Read the bundle that was brought last."""
    return read_bundle(ctx)


@app.put(
    "/userDefinedEndpoints",
    status=201,
    takes=Json,
    also={201: None},
    execution_ms_max=INSTALL_MS_MAX,
)
def bring_endpoints(ctx: Context, _: Administrator) -> Response:
    """Replace the endpoints that were brought before."""
    if not isinstance(ctx.body_json(), dict):
        raise refused("A bundle is an object.")
    BUNDLE.of(ctx.tx).put(ctx.request.body)
    install(ctx)
    return empty_reply(201)


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
