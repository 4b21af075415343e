"""One operation of the governance API, as much as its document and its server need."""

import re
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
        operation_id: the name that generated clients give it.
        returns: the definition that describes the answer; ``None`` for 204.
        since: the version that brought it.
        policy: how a member signs it; ``None`` for reads, which are open to anybody.
        is_javascript: the answer is source, not JSON.
        may_be_nothing: the answer may be 204 in the place of what it returns.
    """

    path: str
    handler: Handler
    operation_id: str
    returns: str | None
    since: ApiVersion = ApiVersion.PREVIEW_V1
    mode: Mode = Mode.READ_ONLY
    policy: "AuthPolicy | None" = None
    is_javascript: bool = False
    may_be_nothing: bool = False

    @property
    def method(self) -> str:
        """Reads are GET, signed operations POST."""
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
