"""What an app's decorators do: a function or a class becomes an endpoint.

The options of an endpoint are checked, and have defaults. A function becomes a handler,
a class becomes a stream, or a protocol of an interface.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict

from ccfpy.boundary.configuration import HTTP_PROTOCOLS
from ccfpy.endpoints.auth import POLICIES, AllOf, cose, jwt
from ccfpy.endpoints.auth.all_of import SEPARATOR
from ccfpy.endpoints.auth.policy import AuthPolicy
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    LocalCommitHandler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.diagnostics import Function, check_is_plain, misdeclared
from ccfpy.endpoints.history_endpoints import describe_historical, historical
from ccfpy.endpoints.registry import ANY_METHOD, ANY_PATH, template_pattern
from ccfpy.endpoints.streams import Stream, beginning, opening
from ccfpy.http import grpc

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


Auth: TypeAlias = str | AuthPolicy
"""A policy, or the name of one that needs no parameters."""

NO_AUTH = "no_auth"
NO_POLICIES: Mapping[str, AuthPolicy] = {}
READING = frozenset({"GET", "HEAD"})
"""Verbs of requests that have no body."""


class Options(TypedDict, total=False):
    """What a declaration may say of an endpoint.

    Attributes:
        auth: the application's own if not given; empty means anybody.
        mode: read-only for ``GET`` and ``HEAD``, else read-write.
        forwarding: follows from the mode if not given, as does ``redirection``.
        redirection: where a node that should not answer sends the caller.
        on_local_commit: shapes the response when its transaction's id is known.
        status: of an answer that is not a ``Response``.
        answers: for OpenAPI, the type of what a ``Response`` carries.
        takes: for OpenAPI, the type of a body that the handler reads itself.
        also: for OpenAPI, other statuses that are no errors of the usual form, with the
            content type of their text; ``None`` for those without a body.
        hidden: left out of the OpenAPI document.
        deprecated: callers should use another one.
        execution_ms_max: how long its function, and each policy of the application's
            own, may take, if not as long as any of the service's.
        metrics: the node's metrics count its requests apart from others', by its path;
            the owner of each host then sees how often it is called.
    """

    auth: Sequence[Auth]
    mode: Mode
    forwarding: Forwarding
    redirection: Redirection
    on_local_commit: LocalCommitHandler
    status: int
    answers: object
    takes: object
    also: Mapping[int, str | None]
    hidden: bool
    deprecated: bool
    execution_ms_max: int
    metrics: bool


class StreamOptions(TypedDict, total=False):
    """What a declaration may say of a stream; each as in ``Options``.

    Attributes:
        auth: the application's own if not given; empty means anybody.
        method: the verb; ``POST`` if not given.
        mode: read-only if not given; streams that write are the primary's.
        hidden: left out of the OpenAPI document.
        deprecated: callers should use another one.
        execution_ms_max: how long each step may take.
        metrics: the node's metrics count its requests apart from others'.
    """

    auth: Sequence[Auth]
    method: str
    mode: Mode
    hidden: bool
    deprecated: bool
    execution_ms_max: int
    metrics: bool


class ProtocolOptions(TypedDict, total=False):
    """What a declaration may say of a protocol; each as in ``Options``.

    Attributes:
        auth: the application's own if not given; empty means anybody. A session has a
            certificate, and no header or body.
        mode: read-only if not given; sessions that write are the primary's.
        execution_ms_max: how long each step may take.
    """

    auth: Sequence[Auth]
    mode: Mode
    execution_ms_max: int


@dataclass(frozen=True, slots=True)
class Route:
    """How an endpoint runs, and where a node that should not answer sends it."""

    mode: Mode
    forwarding: Forwarding
    redirection: Redirection


_ROUTES = {
    Mode.READ_WRITE: Route(Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
    Mode.READ_ONLY: Route(Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE),
    Mode.HISTORICAL: Route(Mode.HISTORICAL, Forwarding.NEVER, Redirection.NONE),
    Mode.COMMAND: Route(Mode.COMMAND, Forwarding.SOMETIMES, Redirection.NONE),
}


def route_of(method: str, options: Options) -> Route:
    """Return how an endpoint runs; defaults follow from its verb and mode."""
    by_verb = Mode.READ_ONLY if method in READING else Mode.READ_WRITE
    usual = _ROUTES[options.get("mode") or by_verb]
    return Route(
        usual.mode,
        options.get("forwarding") or usual.forwarding,
        options.get("redirection") or usual.redirection,
    )


def policies_of(
    given: Sequence[Auth], own: Mapping[str, AuthPolicy] = NO_POLICIES
) -> tuple[AuthPolicy, ...]:
    """Return the named policies, of which one must accept the caller.

    Args:
        given: policies and names.
        own: the application's policies by their names.

    Raises:
        ValueError: a name is unknown.
    """
    policies = tuple(_policy(each, own) for each in given)
    if len(policies) == 1 and policies[0].name == NO_AUTH:
        return ()  # means the same and costs nothing
    return policies


def all_of(*policies: Auth) -> AllOf:
    """Make a policy that accepts only whom all of these accept.

    Raises:
        ValueError: a name is unknown, or stands twice.
    """
    return AllOf([_policy(each, NO_POLICIES) for each in policies])


def _policy(given: Auth, own: Mapping[str, AuthPolicy]) -> AuthPolicy:
    if not isinstance(given, str):
        return given
    policy = POLICIES.get(given) or own.get(given)
    if policy is None:
        names = ", ".join((*POLICIES, *own))
        raise ValueError(f"no policy {given!r}; there are {names}")
    return policy


def endpoint_of(
    function: Function,
    method: str,
    path: str,
    options: Options,
    usual_auth: Sequence[AuthPolicy],
    own: Mapping[str, AuthPolicy] = NO_POLICIES,
) -> Endpoint:
    """Return the endpoint that a declaration describes.

    Args:
        function: the handler.
        method: the verb.
        path: the template.
        options: what else the declaration says.
        usual_auth: the policies of an endpoint whose declaration names none.
        own: the application's policies by their names.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    policies = check_options(function, method, path, options, own)
    if policies is None:
        policies = tuple(usual_auth)
    on_local_commit = options.get("on_local_commit")
    if on_local_commit is not None:
        check_is_plain(on_local_commit)
    route = route_of(method, options)
    binding = bind(
        function,
        path,
        status=options.get("status", 200),
        answers=options.get("answers"),
        takes=options.get("takes"),
        is_historical=route.mode is Mode.HISTORICAL,
    )
    handler, operation = binding.handler, binding.operation
    if route.mode is Mode.HISTORICAL:
        handler = historical(handler)
        operation = describe_historical(operation)
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        mode=route.mode,
        forwarding=route.forwarding,
        redirection=route.redirection,
        auth=policies,
        operation=replace(
            operation,
            also={**operation.also, **options.get("also", {})},
            hidden=options.get("hidden", False),
            deprecated=options.get("deprecated", False),
        ),
        on_local_commit=on_local_commit,
        execution_ms_max=options.get("execution_ms_max"),
        is_counted=options.get("metrics", False),
    )


def default_endpoint_of(
    function: Function,
    options: Options,
    usual_auth: Sequence[AuthPolicy],
    own: Mapping[str, AuthPolicy] = NO_POLICIES,
) -> Endpoint:
    """Return the endpoint that answers what no other endpoint answers.

    Args:
        function: the handler, which may take the request's path as ``path``.
        options: what else the declaration says.
        usual_auth: the policies of an endpoint whose declaration names none.
        own: the application's policies by their names.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    takes_path = "path" in inspect.signature(function).parameters
    path = ANY_PATH if takes_path else "/"
    made = endpoint_of(function, ANY_METHOD, path, options, usual_auth, own)
    return replace(made, path=ANY_PATH)


def check_options(
    function: Function,
    method: str,
    path: str,
    options: Options | StreamOptions | ProtocolOptions,
    own: Mapping[str, AuthPolicy],
) -> tuple[AuthPolicy, ...] | None:
    """Check what a declaration says beside its function; return its own policies.

    Args:
        function: the one that is declared.
        method: the verb.
        path: the template.
        options: what else the declaration says.
        own: the application's policies by their names.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    if method != method.upper():
        raise misdeclared(
            function, f'is declared for the verb "{method}": write "{method.upper()}"'
        )
    if not path.startswith("/"):
        raise misdeclared(
            function, f'is declared for the path "{path}": write "/{path}"'
        )
    execution_ms_max = options.get("execution_ms_max")
    if execution_ms_max is not None and execution_ms_max < 1:
        raise misdeclared(
            function,
            f"is declared with a time limit of {execution_ms_max} ms: write at least 1",
        )
    given = options.get("auth")
    try:
        template_pattern(path)
        return None if given is None else policies_of(given, own)
    except ValueError as error:
        raise misdeclared(function, f"is declared wrongly: {error}") from error


PROTOCOL_METHOD: Final = "PROTOCOL"
"""Stands for a verb where a session of a protocol is named, as in the log."""
_OF_REQUESTS: Final = frozenset(
    {
        jwt.NAME,
        cose.USER_COSE_SIGN1,
        cose.TYPED_USER_COSE_SIGN1,
        cose.MEMBER_COSE_SIGN1,
        cose.ACTIVE_MEMBER_COSE_SIGN1,
    }
)
"""Policies that read a header or a body."""
_BYTES: "Final[JsonObject]" = {"format": "binary", "type": "string"}


def stream_endpoint_of(
    kind: type[Stream],
    path: str,
    options: StreamOptions,
    usual_auth: "Sequence[AuthPolicy]",
    own: "Mapping[str, AuthPolicy]" = NO_POLICIES,
) -> Endpoint:
    """Return the endpoint that a declaration of a stream describes.

    Args:
        kind: the class whose objects are the streams.
        path: the template.
        options: what else the declaration says.
        usual_auth: the policies of an endpoint whose declaration names none.
        own: the application's policies by their names.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    method = options.get("method", "POST")
    mode = options.get("mode", Mode.READ_ONLY)
    function = first_step_of(kind)
    policies = check_options(function, method, path, options, own)
    _check_mode(function, mode)
    is_writing = mode is Mode.READ_WRITE
    return Endpoint(
        method=method,
        path=path,
        handler=opening(kind),
        mode=mode,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.TO_PRIMARY if is_writing else Redirection.NONE,
        auth=tuple(usual_auth) if policies is None else policies,
        operation=_operation_of(kind, method, options),
        execution_ms_max=options.get("execution_ms_max"),
        is_counted=options.get("metrics", False),
        is_live=True,
    )


def protocol_endpoint_of(
    kind: type[Stream],
    name: str,
    options: ProtocolOptions,
    usual_auth: "Sequence[AuthPolicy]",
    own: "Mapping[str, AuthPolicy]" = NO_POLICIES,
) -> Endpoint:
    """Return what a protocol's sessions are executed as.

    Args:
        kind: the class whose objects are the sessions.
        name: of the protocol, as ``app_protocol`` of an interface says it.
        options: what else the declaration says.
        usual_auth: the policies where the declaration names none.
        own: the application's policies by their names.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    mode = options.get("mode", Mode.READ_ONLY)
    function = first_step_of(kind)
    if not name or name in HTTP_PROTOCOLS:
        raise misdeclared(
            function,
            f'belongs to a protocol called "{name}": write a name that is not HTTP\'s',
        )
    policies = check_options(function, PROTOCOL_METHOD, "/", options, own)
    _check_mode(function, mode)
    auth = tuple(usual_auth) if policies is None else policies
    for policy in auth:
        if not _OF_REQUESTS.isdisjoint(policy.name.split(SEPARATOR)):
            raise misdeclared(
                function,
                f"belongs to a protocol with the policy {policy.name}, which reads a "
                "request: write a policy of certificates",
            )
    return Endpoint(
        method=PROTOCOL_METHOD,
        path=f"/{name}",
        handler=beginning(kind),
        mode=mode,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.NONE,
        auth=auth,
        execution_ms_max=options.get("execution_ms_max"),
        is_live=True,
    )


def _check_mode(function: Function, mode: Mode) -> None:
    if mode not in (Mode.READ_ONLY, Mode.READ_WRITE):
        raise misdeclared(
            function,
            f"belongs to a stream of mode {mode}: write Mode.READ_ONLY or "
            "Mode.READ_WRITE",
        )


def first_step_of(kind: type[Stream]) -> Function:
    """Return a method by which a class of streams is found in its file."""
    own = (each for each in vars(kind).values() if inspect.isfunction(each))
    return next(own, kind.on_open)


def _operation_of(kind: type[Stream], method: str, options: StreamOptions) -> Operation:
    summary, _, description = (inspect.getdoc(kind) or "").partition("\n")
    return Operation(
        summary=summary,
        description=description.strip(),
        request_schema=None if method in READING else _BYTES,
        request_content_type=grpc.CONTENT_TYPE,
        response_schema=_BYTES,
        response_content_type=kind.headers.get("content-type", grpc.CONTENT_TYPE),
        hidden=options.get("hidden", False),
        deprecated=options.get("deprecated", False),
    )
