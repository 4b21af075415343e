"""Records by key, beside which users install endpoints of their own, in JavaScript.

An administrator (a user whose data says ``isAdmin``) installs a bundle, best by a
signed request: then the ledger proves to anybody who changed the application, and how.
Scripts may read the records but not write them, and have two things that other scripts
lack: ``my_object.my_constant`` and ``my_object.hasRole``.
"""

from collections.abc import Mapping, Sequence

from apps.programmability.roles import has_role_permitting
from ccfpy.app import (
    ActionFormat,
    ActionLog,
    ApiError,
    App,
    Context,
    CurrentRequest,
    ErrorCode,
    Extension,
    ExtensionFunction,
    Forwarding,
    Json,
    JsonObject,
    Map,
    Permission,
    Response,
    Scripts,
    ScriptTables,
    TypedUserCoseSign1,
    UserCertCaller,
    UserCoseSign1Caller,
    UserId,
    bytes_reply,
    install_bundle,
    installed_bundle,
    installed_module,
    json_codec,
    json_reply,
    parse_json,
    patch_runtime_options,
    runtime_options,
    text_reply,
    user_data,
)

app = App(
    "programmability",
    title="CCF Programmability App",
    description="Records by key, and endpoints that users bring.",
    auth=["user_cert"],
)

RECORDS = Map("programmability.records", json_codec(str), json_codec(bytes))
RESERVED = ("programmability.", "public:programmability.")
NAMESPACE = "public:custom_endpoints"
TABLES = ScriptTables.under(NAMESPACE)
ACTIONS = ActionLog(NAMESPACE)

CREATED_AT = "app.msg.created_at"


def signed(message_type: str) -> TypedUserCoseSign1:
    """Accept users who signed a message of this type, so none stands for another."""
    return TypedUserCoseSign1(
        message_type, type_header="app.msg.type", created_at_header=CREATED_AT
    )


# Records


@app.put("/records/{key}", forwarding=Forwarding.NEVER)
def put_record(ctx: Context, key: str) -> None:
    """Keep the body under a key."""
    RECORDS.of(ctx.tx).put(key, ctx.request.body)


@app.get("/records/{key}", forwarding=Forwarding.NEVER)
def get_record(ctx: Context, key: str) -> Response:
    """Read what is kept under a key."""
    record = RECORDS.of(ctx.tx).get(key)
    if record is None:
        raise ApiError(404, ErrorCode.InvalidResourceName, "No such key")
    return bytes_reply(record, content_type="text/plain")


@app.post("/records")
def post_records(ctx: Context, body: dict[str, str]) -> None:
    """Keep many records in one transaction."""
    records = RECORDS.of(ctx.tx)
    for key, value in body.items():
        records.put(key, value.encode())


# What scripts may do


def narrowing(table: str, granted: Permission) -> tuple[Permission, str | None]:
    """Keep scripts from the tables that are the application's own."""
    if table == RECORDS.name:
        return Permission.READ, (
            f"The {table} map is managed by the application, so is read-only in JS."
        )
    if table.startswith(RESERVED):
        return Permission.NONE, "The 'programmability.' prefix is reserved."
    return granted, None


class MyObject:
    """What scripts find as ``my_object``."""

    source = """
        (function (python, { arity, methods, textOf }) {
          globalThis.my_object = methods({}, {
            my_constant: "Hello world",
            hasRole(...args) {
              arity(args, 2, " but expected 2");
              return python.hasRole(textOf(args[0]), textOf(args[1]));
            },
          });
        })
    """

    def __init__(self, current_request: CurrentRequest) -> None:
        self._current_request = current_request

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"hasRole": self._has_role}

    def _has_role(self, user_id: str, action: str) -> bool:
        return has_role_permitting(
            self._current_request.context, UserId(user_id), action
        )


def more(current_request: CurrentRequest) -> Sequence[Extension]:
    """Add ``my_object`` to what scripts see."""
    return [MyObject(current_request)]


app.serve_scripts(Scripts(tables=TABLES, narrowing=narrowing, more=more))


# Installing them


@app.put("/custom_endpoints", auth=[signed("custom_endpoints"), "user_cert"])
def put_custom_endpoints(ctx: Context) -> None:
    """Replace the endpoints that are installed."""
    bundle = _administered(ctx)
    install_bundle(TABLES, ctx.tx, bundle)


@app.get("/custom_endpoints", auth=[])
def get_custom_endpoints(ctx: Context) -> JsonObject:
    """Read the bundle that is installed."""
    return installed_bundle(TABLES, ctx.tx)


@app.get("/custom_endpoints/modules", auth=[])
def get_module(ctx: Context, module_name: str) -> Response:
    """Read a module's source."""
    source = installed_module(TABLES, ctx.tx, module_name)
    if source is None:
        raise ApiError(500, ErrorCode.InternalError, "Failed to get module: NotFound")
    return text_reply(source, content_type="text/javascript")


@app.patch(
    "/custom_endpoints/runtime_options",
    auth=[signed("runtime_options"), "user_cert"],
)
def patch_options(ctx: Context) -> Response:
    """Change what a script may use; ``null`` resets an option."""
    patch = _administered(ctx)
    return json_reply(patch_runtime_options(TABLES, ctx.tx, patch))


@app.get("/custom_endpoints/runtime_options", auth=[])
def get_options(ctx: Context) -> JsonObject:
    """Read what a script may use."""
    return runtime_options(TABLES, ctx.tx)


def _administered(ctx: Context) -> Json:
    """Check who asks, write down what for, and give it.

    Raises:
        ApiError: the caller is no administrator, or a signed request is sent again.
        Malformed: it is not JSON.
    """
    caller = ctx.caller
    assert isinstance(caller, UserCertCaller | UserCoseSign1Caller), "only users pass"
    data = user_data(ctx.tx, caller.user_id)
    if not isinstance(data, dict) or data.get("isAdmin") is not True:
        raise ApiError(
            403,
            ErrorCode.AuthorizationFailed,
            "Only admins may access this endpoint.",
        )
    is_signed = isinstance(caller, UserCoseSign1Caller)
    body = ctx.request.body
    ACTIONS.record(
        ctx.tx,
        ActionFormat.COSE if is_signed else ActionFormat.JSON,
        user_id=caller.user_id,
        action=f"{ctx.endpoint.path} {ctx.request.path}",
        body=body,
    )
    if not isinstance(caller, UserCoseSign1Caller):
        return parse_json(body)
    if caller.created_at is None:
        raise ApiError(
            400,
            ErrorCode.MissingRequiredHeader,
            f"Missing {CREATED_AT} protected header",
        )
    ACTIONS.refuse_replay(ctx, caller)
    return parse_json(caller.content)
