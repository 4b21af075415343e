"""What the endpoints of the classic API share: their form, and who may call them.

All are deprecated, as in CCF 6, and carry CCF 6's description. A member authenticates
by a signature or, for shares and state digests, by the certificate of the connection.
Unlike in the versioned API, a member who is not Active gets 403 after authentication.

The tables of governance, each whole, under ``/gov/kv``.

A map is an object by its keys, a set is an array. A single value is itself; without a
value the response is empty (204). Fields of records that the service does not know are
left out. Bytes are base64.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ccfpy.base import json
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.auth.cert import MEMBER_CERT, MemberCert, MemberCertCaller
from ccfpy.endpoints.auth.cose import CONTENT_TYPE, MemberCoseSign1Caller
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import empty_reply, for_who_takes_json, json_reply
from ccfpy.gov.operations import GovernanceNode, logged
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Set, Value
from ccfpy.service.served_tables import Table
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus

if TYPE_CHECKING:
    from ccfpy.base.ids import MemberId
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.endpoints.pending import Answer
    from ccfpy.http.messages import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint.

    Attributes:
        takes: the type of the body that is signed or sent.
        gives: the type of the response; ``None`` for 204.
        writes: whether the endpoint changes anything.
        may_be_nothing: the response may be 204 instead.
        is_primarys: whether a backup forwards the request; a write is always forwarded.
    """

    path: str
    handler: "Callable[..., Answer]"
    gives: object
    takes: object = None
    auth: "tuple[AuthPolicy, ...]" = ()
    writes: bool = False
    may_be_nothing: bool = False
    is_primarys: bool = False

    @property
    def operation(self) -> Operation:
        """The description of the endpoint."""
        said = (self.handler.__doc__ or "").strip().splitlines()
        given = None if self.gives is None else schema_of(self.gives)
        taken = None if self.takes is None else schema_of(self.takes)
        components: dict[str, Json] = {}
        for described in (taken, given):
            components.update({} if described is None else described.components)
        return Operation(
            summary=said[0] if said else "",
            request_schema=None if taken is None else taken.schema,
            response_schema=None if given is None else given.schema,
            success_status=204 if self.gives is None else 200,
            deprecated=True,
            also={204: None} if self.may_be_nothing else {},
            components=components,
        )

    def endpoint(self, node: GovernanceNode) -> Endpoint:
        """Return the endpoint."""
        handler = partial(self.handler, node) if self.writes else self.handler
        if not self.auth:
            handler = for_who_takes_json(handler)
        goes = self.writes or self.is_primarys
        return Endpoint(
            method="POST" if self.writes else "GET",
            path=self.path,
            handler=logged(handler, log=node.log),
            mode=Mode.READ_WRITE if self.writes else Mode.READ_ONLY,
            forwarding=Forwarding.ALWAYS if goes else Forwarding.SOMETIMES,
            redirection=Redirection.TO_PRIMARY if goes else Redirection.NONE,
            auth=self.auth,
            operation=self.operation,
        )


class Rows(list[Row]):
    """The endpoints of a module, each declared above its handler."""

    def add(
        self,
        path: str,
        gives: object,
        **more: Any,  # noqa: ANN401 - further fields of `Row`
    ) -> "Callable[[Callable[..., Answer]], Callable[..., Answer]]":
        """Declare the endpoint that the function below answers, as `Row` has it."""

        def declare(handler: "Callable[..., Answer]") -> "Callable[..., Answer]":
            self.append(Row(path=path, handler=handler, gives=gives, **more))
            return handler

        return declare


class MemberCertOfPlainBody:
    """Accepts the certificate of a member, unless the body is signed.

    The signature then names the member, because the sender of a signed request may have
    another certificate.
    """

    name = MEMBER_CERT
    security_scheme = None

    def __init__(self) -> None:
        self._certificate = MemberCert()

    def authenticate(self, context: "Context") -> MemberCertCaller:
        """Return the member."""
        if context.request.headers.get("content-type") == CONTENT_TYPE:
            raise Unauthenticated("The request's body is signed")
        return self._certificate.authenticate(context)


def caller_of(context: "Context") -> "MemberId":
    """Return the calling member, by either kind of proof."""
    caller = context.caller
    assert isinstance(caller, MemberCertCaller | MemberCoseSign1Caller), (
        "the endpoint asks for a member"
    )
    return caller.member_id


def is_active(context: "Context", member_id: "MemberId") -> bool:
    """Return whether a member is Active."""
    info = members.INFO.of(context.tx).get(member_id)
    return info is not None and info.status is MemberStatus.ACTIVE


def require_active(context: "Context", otherwise: str | None = None) -> "MemberId":
    """Return the calling member, who must be Active.

    Args:
        context: the request.
        otherwise: the message for other members.

    Raises:
        ApiError: 403: the member is not Active.
    """
    member_id = caller_of(context)
    if not is_active(context, member_id):
        message = otherwise or f"Member m[{member_id}] is not active."
        raise ApiError(403, ErrorCode.AuthorizationFailed, message)
    return member_id


def reader_of(table: Table) -> "Handler":
    """Return the handler that returns a table."""
    if isinstance(table, Map):
        read = _whole_map(table)
    elif isinstance(table, Set):
        read = _whole_set(table)
    else:
        read = _value(table)
    read.__doc__ = f"Return the table ``{table.name}``."
    return read


def _whole_map(table: Map[Any, Any]) -> "Handler":
    write_key = _key_writer(table.key_codec)
    write_value = _writer(table.value_codec)

    def read(context: Context) -> "Response":
        found: JsonObject = {
            write_key(key): write_value(value)
            for key, value in table.of(context.tx).items()
        }
        return json_reply(found)

    return read


def _whole_set(table: Set[Any]) -> "Handler":
    write = _key_writer(table.key_codec)

    def read(context: Context) -> "Response":
        return json_reply(sorted(map(write, table.of(context.tx).keys())))

    return read


def _value(table: Value[Any]) -> "Handler":
    write = _writer(table.codec)

    def read(context: Context) -> "Response":
        value = table.of(context.tx).get()
        return empty_reply() if value is None else json_reply(write(value))

    return read


def _key_writer(codec: Codec[Any]) -> Callable[[Any], str]:
    return lambda key: codec.encode(key).decode()


def _writer(codec: Codec[Any]) -> "Callable[[Any], Json]":
    """Return how a table's values become JSON, which most are already."""
    if codec is STRING:
        return str
    if codec is RAW:
        return lambda data: base64.b64encode(data).decode()
    return lambda value: json.loads(codec.encode(value))
