"""``no_auth``: anybody. Last in a list, it makes the other policies optional."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.endpoints.auth.policy import SecurityScheme

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context

NAME = "no_auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """A caller who was not asked for anything."""

    policy: str = NAME


_NOBODY = Nobody()


class NoAuth:
    """Accepts every request."""

    name = NAME
    security_scheme = SecurityScheme("", {})

    def authenticate(self, _: "Context") -> Nobody:
        """Accept."""
        return _NOBODY
