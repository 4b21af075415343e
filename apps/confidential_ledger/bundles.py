"""Endpoints and functions in JavaScript, which administrators bring.

Both are installed as one bundle: the endpoints as they were brought, and for functions
two endpoints of ours, which run them (``runtime.js``). So a change of either installs
the bundle anew.
"""

import pkgutil

from apps.confidential_ledger.app import app
from apps.confidential_ledger.script_ledger import ScriptLedger
from apps.confidential_ledger.tables import AZURES_PREFIX, BUNDLE, FUNCTIONS, PREFIX
from ccfpy.app import (
    ApiError,
    Context,
    CurrentRequest,
    ErrorCode,
    Extension,
    Json,
    JsonObject,
    Malformed,
    Permission,
    Scripts,
    ScriptTables,
    install_bundle,
    parse_json,
)

TABLES = ScriptTables.under(f"public:{PREFIX}scripts")
OURS = frozenset(
    {
        "api",
        "collections",
        "commit",
        "enclaveQuotes",
        "governance",
        "ledgerUsers",
        "roles",
        "transactions",
        "tx",
        "userDefinedEndpoints",
        "userDefinedFunctions",
        "users",
    }
)
"""First parts of paths that no endpoint of users may have.

``receipt`` is not among them: a sample of Azure's brings an endpoint of that name,
which then answers in place of CCF's.
"""
FOLDER = f"/{PREFIX.removesuffix('.')}/"
"""The folder of our modules, and of functions."""
RUNTIME = f"{FOLDER}runtime.js"
NOTHING: JsonObject = {"metadata": {"endpoints": {}}, "modules": []}
_SOURCE = pkgutil.get_data("apps.confidential_ledger", "runtime.js")


def module_of(function_id: str) -> str:
    """Return the name of a function's module."""
    return f"{FOLDER}functions/{function_id}.js"


def read_bundle(ctx: Context) -> JsonObject:
    """Return the bundle that was brought last, or an empty one."""
    kept = BUNDLE.of(ctx.tx).get()
    bundle = NOTHING if kept is None else parse_json(kept)
    assert isinstance(bundle, dict), "it was read before it was kept"
    return bundle


def install(ctx: Context) -> None:
    """Install the endpoints that were brought, and what runs functions.

    Raises:
        ApiError: 400, it is no bundle, or a module does not compile.
    """
    bundle = read_bundle(ctx)
    endpoints, modules = _parts(bundle)
    functions = [*FUNCTIONS.of(ctx.tx).items()]
    if functions:
        assert _SOURCE is not None, "the file is installed with the module"
        endpoints = {**endpoints, **_endpoints()}
        ours: list[Json] = [{"name": RUNTIME, "module": _SOURCE.decode()}]
        ours += [
            {"name": module_of(function_id), "module": function.code}
            for function_id, function in functions
        ]
        modules = [*modules, *ours]
    whole: JsonObject = {"metadata": {"endpoints": endpoints}, "modules": modules}
    try:
        install_bundle(TABLES, ctx.tx, whole)
    except Malformed as error:
        raise refused(str(error)) from error


def _parts(bundle: JsonObject) -> tuple[JsonObject, list[Json]]:
    """Return the endpoints and the modules of a bundle, of which none are ours.

    Raises:
        ApiError: 400, it is no bundle, or a path or a module is ours.
    """
    metadata, modules = bundle.get("metadata"), bundle.get("modules")
    endpoints = metadata.get("endpoints") if isinstance(metadata, dict) else None
    if not isinstance(endpoints, dict) or not isinstance(modules, list):
        raise refused("A bundle has 'metadata' with 'endpoints', and 'modules'.")
    for path in endpoints:
        first = path.removeprefix("/").partition("/")[0]
        if not path.startswith("/") or "{" in first or first in OURS:
            raise refused(f"The path '{path}' is not free: begin it with another word.")
    for module in modules:
        name = module.get("name") if isinstance(module, dict) else None
        if isinstance(name, str) and f"/{name.lstrip('/')}".startswith(FOLDER):
            raise refused(f"The module '{name}' is not free: choose another folder.")
    return endpoints, modules


def _endpoints() -> JsonObject:
    def run_by(function: str) -> JsonObject:
        return {
            "js_module": RUNTIME,
            "js_function": function,
            "mode": "readwrite",
            "forwarding_required": "always",
            "redirection_strategy": "to_primary",
            "authn_policies": ["jwt", "any_cert"],
            "openapi_hidden": True,
        }

    return {
        "/userDefinedFunctions/{functionId}:execute": {"post": run_by("execute")},
        "/transactions": {"post": run_by("append")},
    }


def refused(message: str) -> ApiError:
    """Refuse what somebody brought."""
    return ApiError(400, ErrorCode.InvalidInput, message)


def _narrowing(table: str, granted: Permission) -> tuple[Permission, str | None]:
    """Keep scripts from the tables that are the application's own.

    Those with Azure's names can be read.
    """
    name = table.removeprefix("public:")
    if name.startswith(PREFIX):
        return Permission.NONE, f"The '{PREFIX}' prefix is reserved."
    if name.startswith(AZURES_PREFIX):
        left = granted & Permission.READ
        return left, f"The '{AZURES_PREFIX}' prefix can only be read."
    return granted, None


def _more(current_request: CurrentRequest) -> list[Extension]:
    return [ScriptLedger(current_request)]


app.serve_scripts(Scripts(tables=TABLES, narrowing=_narrowing, more=_more))
