"""One operation of the governance API, as its document and its server need it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.endpoints.declaration import Handler, Mode
from ccfpy.gov.versions import ApiVersion

if TYPE_CHECKING:
    from ccfpy.endpoints.auth.policy import AuthPolicy

_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GovOperation:
    """A row of the API.

    Attributes:
        operation_id: the operation's name in generated clients.
        returns: the type of the response; ``None`` for 204.
        since: the first version with this operation.
        policy: how a member signs the request; ``None`` for reads, which are open to
            anybody.
        is_javascript: the response is source, not JSON.
        may_be_nothing: the response may be 204 instead.
    """

    path: str
    handler: Handler
    operation_id: str
    returns: object
    since: ApiVersion = ApiVersion.PREVIEW_V1
    mode: Mode = Mode.READ_ONLY
    policy: "AuthPolicy | None" = None
    is_javascript: bool = False
    may_be_nothing: bool = False

    @property
    def method(self) -> str:
        """GET for a read, POST for a signed operation."""
        return "GET" if self.policy is None else "POST"

    @property
    def description(self) -> str:
        """The first sentence of the handler's documentation."""
        lines = (self.handler.__doc__ or "").strip().splitlines()
        return lines[0] if lines else ""

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(_PARAMETER.findall(self.path))


class Reads(list[GovOperation]):
    """The reads of a module, each declared above its handler."""

    def add(
        self,
        path: str,
        operation_id: str,
        returns: object,
        *,
        since: ApiVersion = ApiVersion.PREVIEW_V1,
        mode: Mode = Mode.READ_ONLY,
        is_javascript: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare the read that the function below answers."""

        def declare(handler: Handler) -> Handler:
            operation = GovOperation(
                path=path,
                handler=handler,
                operation_id=operation_id,
                returns=returns,
                since=since,
                mode=mode,
                is_javascript=is_javascript,
            )
            self.append(operation)
            return handler

        return declare
