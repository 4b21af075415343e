"""Makes an endpoint of a class of streams, or says what is wrong with it.

The sessions of a protocol have an endpoint too, which no request finds.
"""

import inspect
from typing import TYPE_CHECKING, Final

from ccfpy.boundary.configuration import HTTP_PROTOCOLS
from ccfpy.endpoints.auth import cose, jwt
from ccfpy.endpoints.auth.all_of import SEPARATOR
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.declaring import check_options
from ccfpy.endpoints.mistakes import Function, misdeclared
from ccfpy.endpoints.options import (
    NO_POLICIES,
    READING,
    ProtocolOptions,
    StreamOptions,
)
from ccfpy.endpoints.streams import Stream, beginning, opening
from ccfpy.http import grpc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ccfpy.base.json import JsonObject
    from ccfpy.endpoints.auth.policy import AuthPolicy

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
