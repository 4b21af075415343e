"""Short forms for declaring the node's endpoints, which are much alike.

What they answer is JSON, or nothing.
"""

from inspect import getdoc

from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json


def _operation(handler: Handler) -> Operation:
    summary, _, description = (getdoc(handler) or "").partition("\n\n")
    return Operation(
        summary=summary.replace("\n", " ").removesuffix("."),
        description=description.replace("\n", " "),
    )


def local(
    path: str, handler: Handler, *, method: str = "GET", mode: Mode = Mode.READ_ONLY
) -> Endpoint:
    """Declare a read that only this node can answer."""
    return Endpoint(
        method=method,
        path=path,
        handler=for_who_takes_json(handler),
        mode=mode,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.NONE,
        operation=_operation(handler),
    )


def shared(path: str, handler: Handler) -> Endpoint:
    """Declare a read of the service's tables, which any node can answer."""
    return Endpoint(
        method="GET",
        path=path,
        handler=for_who_takes_json(handler),
        mode=Mode.READ_ONLY,
        forwarding=Forwarding.SOMETIMES,
        redirection=Redirection.NONE,
        operation=_operation(handler),
    )


def hidden(method: str, path: str, handler: Handler) -> Endpoint:
    """Declare a write that is meant for nodes, not for people."""
    return Endpoint(
        method=method, path=path, handler=handler, operation=Operation(hidden=True)
    )


def write(method: str, path: str, handler: Handler) -> Endpoint:
    """Declare a write, which the primary alone takes."""
    return Endpoint(
        method=method,
        path=path,
        handler=for_who_takes_json(handler),
        operation=_operation(handler),
    )
