"""What every authentication policy is, and the refusal it raises."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccfpy.base.json import Json

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context


class Unauthenticated(Exception):
    """A policy's refusal; the text is CCF's and goes to the caller as it stands.

    Attributes:
        challenge: the value for ``WWW-Authenticate`` if no further policy is asked.
    """

    def __init__(self, message: str, *, challenge: str | None = None) -> None:
        super().__init__(message)
        self.challenge = challenge


class SecurityScheme(NamedTuple):
    """How OpenAPI describes a policy; an empty definition asks for nothing."""

    name: str
    definition: Mapping[str, Json]


class Identity(Protocol):
    """Somebody who authenticated."""

    @property
    def policy(self) -> str:
        """The name of the policy that accepted the caller."""
        ...


class AuthPolicy(Protocol):
    """One way to authenticate a request.

    Policies only read: the context's transaction, request, session and node.
    """

    @property
    def name(self) -> str:
        """The name in ``authn_policies`` and in error details."""
        ...

    @property
    def security_scheme(self) -> SecurityScheme | None:
        """How OpenAPI describes it; ``None`` where OpenAPI 3.0 has no words for it."""
        ...

    def authenticate(self, context: "Context") -> Identity:
        """Name the caller.

        Raises:
            Unauthenticated: this policy does not accept the request.
        """
        ...
