"""Makes an endpoint of a class of streams, or says what is wrong with it."""

import inspect
from typing import TYPE_CHECKING, Final

from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.declaring import check_options
from ccfpy.endpoints.mistakes import Function, misdeclared
from ccfpy.endpoints.options import NO_POLICIES, READING, StreamOptions
from ccfpy.endpoints.streams import Stream, opening
from ccfpy.http import grpc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ccfpy.base.json import JsonObject
    from ccfpy.endpoints.auth.policy import AuthPolicy

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
    if mode not in (Mode.READ_ONLY, Mode.READ_WRITE):
        raise misdeclared(
            function,
            f"belongs to a stream of mode {mode}: write Mode.READ_ONLY or "
            "Mode.READ_WRITE",
        )
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
