"""Functions in JavaScript, which administrators bring and contributors run.

What runs a function is a script (``runtime.js``), installed with the first function.
"""

import re
from dataclasses import dataclass

from apps.confidential_ledger.app import app, page
from apps.confidential_ledger.bundle_paths import INSTALL_MS_MAX
from apps.confidential_ledger.bundles import install, refused
from apps.confidential_ledger.callers import Administrator, Contributor, Reader
from apps.confidential_ledger.limits import FUNCTION_ID_CHARS_MAX, FUNCTIONS_MAX
from apps.confidential_ledger.tables import FUNCTIONS, Function
from ccfpy.app import (
    ApiError,
    Context,
    ErrorCode,
    JsonObject,
    Response,
    json_reply,
)

_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{FUNCTION_ID_CHARS_MAX}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The source of a function's module."""

    code: str


def parse_function_id(text: str) -> str:
    """Return a function's id.

    Raises:
        ApiError: 400, it is none.
    """
    if not _ID.fullmatch(text):
        raise refused(
            f"A function's id has 1 to {FUNCTION_ID_CHARS_MAX} letters, digits, dashes "
            "or underscores."
        )
    return text


@app.get("/userDefinedFunctions")
def list_functions(ctx: Context, _: Reader) -> JsonObject:
    """List the functions."""
    functions = FUNCTIONS.of(ctx.tx).items()
    return page("functions", [_describe(*each) for each in sorted(functions)])


@app.get("/userDefinedFunctions/{function_id}")
def read_function(ctx: Context, _: Reader, function_id: str) -> JsonObject:
    """Read the source of a function."""
    function = FUNCTIONS.of(ctx.tx).get(function_id)
    if function is None:
        raise _no_function()
    return _describe(function_id, function)


@app.put(
    "/userDefinedFunctions/{function_id}",
    answers=JsonObject,
    also={201: "application/json"},
    execution_ms_max=INSTALL_MS_MAX,
)
def bring_function(
    ctx: Context, _: Administrator, function_id: str, body: Code
) -> Response:
    """Bring a function, or replace the function of that id."""
    functions = FUNCTIONS.of(ctx.tx)
    name = parse_function_id(function_id)
    is_new = not functions.has(name)
    if is_new and functions.size() >= FUNCTIONS_MAX:
        raise refused(f"There are {FUNCTIONS_MAX} functions at most.")
    function = Function(code=body.code)
    functions.put(name, function)
    install(ctx)
    return json_reply(_describe(name, function), status=201 if is_new else 200)


@app.delete("/userDefinedFunctions/{function_id}", execution_ms_max=INSTALL_MS_MAX)
def remove_function(ctx: Context, _: Administrator, function_id: str) -> None:
    """Remove a function."""
    functions = FUNCTIONS.of(ctx.tx)
    if functions.has(function_id):
        functions.remove(function_id)
        install(ctx)


@app.post("/userDefinedFunctions/{function_id}:execute")
def execute(ctx: Context, _: Contributor, function_id: str) -> JsonObject:
    """Run a function; a script answers in place of this as soon as there is one."""
    assert not FUNCTIONS.of(ctx.tx).has(function_id), "its script would answer"
    raise _no_function()


def _describe(function_id: str, function: Function) -> JsonObject:
    return {"id": function_id, "code": function.code}


def _no_function() -> ApiError:
    return ApiError(404, ErrorCode.ResourceNotFound, "There is no such function.")
