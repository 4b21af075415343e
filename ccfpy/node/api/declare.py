"""Short forms for declaring the node's endpoints, and redirects to another node.

Most endpoints under ``/node`` answer JSON or nothing, so their declarations are alike.
A redirect names the target's published address on the interface that the caller used.
It therefore stays within the caller's network (``src/node/rpc/node_frontend.h``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial, update_wrapper
from inspect import getdoc
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base.components import without_name
from ccfpy.base.ids import NodeId
from ccfpy.base.json import JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json
from ccfpy.http.errors import internal_error
from ccfpy.service.tables import nodes

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.pending import Answer
    from ccfpy.node.running import RunningNode


_described = cache(schema_of)

NodeHandler: TypeAlias = "Callable[[RunningNode, Context], Answer]"
"""Answers a request on a running node."""


class NodeEndpoints(list["Callable[[RunningNode], Endpoint]"]):
    """The endpoints of a module, each declared above its handler."""

    def add(
        self, declare: Callable[..., Endpoint], *where: object, **more: object
    ) -> Callable[[NodeHandler], NodeHandler]:
        """Declare the endpoint that the function below answers.

        Args:
            declare: one of the short forms below.
            where: its arguments: method, path and the type of the answer, as it takes.
            more: its other arguments, but for the handler.
        """

        def put(handler: NodeHandler) -> NodeHandler:
            def endpoint(running: "RunningNode") -> Endpoint:
                bound = update_wrapper(partial(handler, running), handler)
                return declare(*where, handler=bound, **more)

            self.append(endpoint)
            return handler

        return put


def _operation(
    handler: Handler,
    answers: object,
    *,
    status: int = 200,
    query: Mapping[str, object] | None = None,
) -> Operation:
    """Describe an endpoint by its handler's documentation and its answer's type."""
    summary, _, description = (getdoc(handler) or "").partition("\n\n")
    answered = None if answers is None else _described(answers)
    parameters = [_optional(name, kind) for name, kind in (query or {}).items()]
    return Operation(
        summary=summary.replace("\n", " ").removesuffix("."),
        description=description.replace("\n", " "),
        parameters=tuple(parameters),
        response_schema=None if answered is None else answered.schema,
        success_status=status,
        components={
            **({} if answered is None else answered.components),
            **(_described(str).components if parameters else {}),
        },
    )


def _optional(name: str, kind: object) -> JsonObject:
    schema = _described(str).schema
    if kind is not str:
        # CCF's documents say that it is text, which is true as far as it goes.
        schema = {"allOf": [schema], **without_name(_described(kind)).schema}
    return {"in": "query", "name": name, "required": False, "schema": schema}


def local(
    path: str,
    answers: object = None,
    *,
    handler: Handler,
    method: str = "GET",
    mode: Mode = Mode.READ_ONLY,
    status: int = 200,
) -> Endpoint:
    """Declare a read that only this node can answer.

    Args:
        path: where, without the frontend's prefix.
        answers: the type of the answer; ``None`` if there is no body.
        handler: its docstring is what people read about the endpoint.
        method: of the request.
        mode: a command looks at no table.
        status: of a success.
    """
    return Endpoint(
        method=method,
        path=path,
        handler=for_who_takes_json(handler),
        mode=mode,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.NONE,
        operation=_operation(handler, answers, status=status),
    )


def shared(
    path: str,
    answers: object,
    *,
    handler: Handler,
    query: Mapping[str, object] | None = None,
) -> Endpoint:
    """Declare a read of the service's tables, which any node can answer.

    ``query`` has the types of optional parameters, by name.
    """
    return Endpoint(
        method="GET",
        path=path,
        handler=for_who_takes_json(handler),
        mode=Mode.READ_ONLY,
        forwarding=Forwarding.SOMETIMES,
        redirection=Redirection.NONE,
        operation=_operation(handler, answers, query=query),
    )


def hidden(
    method: str, path: str, *, handler: Handler, local_mode: Mode | None = None
) -> Endpoint:
    """Declare what is meant for nodes, not for people.

    It is a write, unless ``local_mode`` says how the node that is asked answers.
    """
    endpoint = Endpoint(
        method=method, path=path, handler=handler, operation=Operation(hidden=True)
    )
    if local_mode is None:
        return endpoint
    return replace(
        endpoint,
        mode=local_mode,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.NONE,
    )


def write(method: str, path: str, answers: object, *, handler: Handler) -> Endpoint:
    """Declare a write, which the primary alone takes."""
    return Endpoint(
        method=method,
        path=path,
        handler=for_who_takes_json(handler),
        operation=_operation(handler, answers),
    )


def address_for(context: "Context", running: "RunningNode", node_id: NodeId) -> str:
    """Return the address at which a caller reaches another node.

    Raises:
        ApiError: the node is not known, or has no such interface.
    """
    info = nodes.INFO.of(context.tx).get(node_id)
    if info is None:
        running.outbox.fail(f"Node redirection error: Unknown node {node_id}")
        raise internal_error(
            f"Cannot find node info to produce redirect response for node {node_id}"
        )
    name = context.session.interface.name
    interface = info.rpc_interfaces.get(name)
    if interface is None:
        running.outbox.fail(
            f"Node redirection error: Target missing interface {name}",
        )
        raise internal_error(
            f"Cannot redirect request. Received on RPC interface {name}, which is not "
            f"present on target node {node_id}"
        )
    return interface.published_address


def primary_address(context: "Context", running: "RunningNode") -> str:
    """Return the address at which a caller reaches the primary.

    Raises:
        ApiError: the primary is unknown, or it has no such interface.
    """
    primary = running.primary_id
    if primary is None:
        raise internal_error("Primary unknown")
    return address_for(context, running, primary)
