"""An endpoint of the classic API, with CCF 6's description of it.

All are deprecated, as in CCF 6.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ccfpy.base.schema import schema_of
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json
from ccfpy.gov.ports import GovernanceNode
from ccfpy.gov.versions import logged

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.json import Json
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.awaited import Answer


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
