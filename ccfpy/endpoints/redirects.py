"""Requests that another node answers: a caller is sent there, or that node is asked.

An interface that redirects never forwards (``src/node/rpc/frontend.h``).
"""

from typing import TYPE_CHECKING, Final

from ccfpy.endpoints.declaration import Endpoint, Redirection
from ccfpy.endpoints.replies import empty_reply
from ccfpy.http import grpc
from ccfpy.http.errors import ApiError, ErrorCode, unavailable

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Awaited
    from ccfpy.endpoints.context import NodeView
    from ccfpy.endpoints.session import InterfaceRules, Session
    from ccfpy.endpoints.tracing import Trace
    from ccfpy.http.messages import Request, Response


_PRIMARY_UNKNOWN: Final = ("primary", "current primary", ErrorCode.PrimaryNotFound)
_BACKUP_UNKNOWN: Final = ("backup", "any current backup", ErrorCode.BackupNotFound)


def redirect(
    node: "NodeView",
    endpoint: Endpoint,
    request: "Request",
    interface: "InterfaceRules",
) -> "Response | None":
    """Send the caller elsewhere, if this interface redirects what is not ours.

    Raises:
        ApiError: 503, nobody knows where to.
    """
    if endpoint.redirection is Redirection.NONE:
        return None
    to_primary = endpoint.redirection is Redirection.TO_PRIMARY
    target = (
        interface.redirect_to_primary if to_primary else interface.redirect_to_backup
    )
    if target is None or node.is_primary is to_primary:
        return None
    role = target.role or ("primary" if to_primary else "backup")
    address = target.address or node.address_of(
        role, target.interface or interface.name
    )
    if address is None:
        wanted, known, code = _PRIMARY_UNKNOWN if to_primary else _BACKUP_UNKNOWN
        raise unavailable(
            code,
            f"Request should be redirected to {wanted}, but receiving node "
            f"does not know {known} address",
        )
    query = f"?{request.query}" if request.query else ""
    location = f"https://{address}{request.path}{query}"
    return empty_reply(307, {"location": location})


def forward(
    node: "NodeView",
    endpoint: Endpoint,
    request: "Request",
    session: "Session",
    trace: "Trace | None",
) -> "Awaited":
    """Hand the request to the primary, and from now on all of this session.

    Raises:
        ApiError: 501, by HTTP/2, unless it is a call of gRPC, whose clients follow no
            redirect; 503, another node forwarded the request to this node; 500, the
            session began in another view.
    """
    if request.version.startswith("2") and not grpc.is_call(request):
        raise ApiError(
            501,
            ErrorCode.NotImplemented,
            "Request cannot be forwarded to primary on HTTP/2 interface.",
        )
    if session.is_forwarded:
        raise unavailable(
            ErrorCode.RequestAlreadyForwarded, "RPC was already forwarded."
        )
    session.stay_in(node.view)
    if trace is not None:
        trace.reaches(endpoint.path, is_counted=endpoint.is_shown)
        request = trace.sent_on(request)
    awaited = node.forward(request, session)
    session.is_forwarding = True
    return awaited
