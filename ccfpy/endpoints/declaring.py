"""Makes an endpoint of an application's function, or says what is wrong with it."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ccfpy.endpoints.auth.policy import AuthPolicy
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.historical import describe_historical, historical
from ccfpy.endpoints.mistakes import Function, check_is_plain, misdeclared
from ccfpy.endpoints.options import (
    NO_POLICIES,
    Options,
    ProtocolOptions,
    StreamOptions,
    policies_of,
    route_of,
)
from ccfpy.endpoints.registry import ANY_METHOD, ANY_PATH, template_pattern


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
