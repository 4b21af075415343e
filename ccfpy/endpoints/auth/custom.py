"""A policy that an application writes: a function that names the caller or refuses."""

from typing import TYPE_CHECKING, TypeAlias

from ccfpy.endpoints.auth.policy import Identity, SecurityScheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.endpoints.context import Context

Authenticate: TypeAlias = "Callable[[Context], Identity]"
"""Names the caller, or raises ``Unauthenticated``."""


class CustomAuth:
    """Accepts whom a function accepts; its unforeseen errors answer 500."""

    def __init__(
        self,
        name: str,
        authenticate: Authenticate,
        *,
        security_scheme: SecurityScheme | None = None,
    ) -> None:
        self.name = name
        self.security_scheme = security_scheme
        self._authenticate = authenticate

    def authenticate(self, context: "Context") -> Identity:
        """Ask the function."""
        return self._authenticate(context)
