"""What every authentication policy is, and the refusal it raises.

``no_auth``: anybody. Last in a list, it makes the other policies optional.

A policy that an application writes: a function that names the caller or refuses.

What a policy of an application's judges a request by, and whom it then names.

A stranger causes each call of such a policy. So a policy reads single entries, by their
keys, and only of tables that its declaration names: what a call costs does not grow
with a table.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from ccfpy.base.json import Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.crypto.certs import Certificate
    from ccfpy.endpoints.context import Context
    from ccfpy.http.messages import Request
    from ccfpy.kv.maps import Map, Set, Value


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


K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCaller:
    """A caller whom a policy of the application's named.

    Attributes:
        policy: the policy's name.
        id: whatever the policy calls the caller.
        data: what else the policy knows of the caller.
    """

    policy: str
    id: str
    data: Json = None


class RequestCredentials:
    """What a request shows of its caller, and the tables that a policy may look into.

    Attributes:
        policy: the name of the policy that is asked.
    """

    __slots__ = ("_context", "_tables", "policy")

    def __init__(
        self, context: "Context", *, policy: str, tables: Collection[str]
    ) -> None:
        self.policy = policy
        self._context = context
        self._tables = tables

    @property
    def request(self) -> "Request":
        """The request: its method, path, query, headers and body."""
        return self._context.request

    @property
    def certificate(self) -> "Certificate | None":
        """The certificate whose key the client holds; nobody vouched for it yet."""
        return self._context.session.caller

    @property
    def unix_time_us(self) -> int:
        """The host's clock, microseconds since 1970, which the host may set."""
        return self._context.node.unix_time_us

    def header(self, name: str) -> str | None:
        """Return the value of a header, whose name is in lower case."""
        return self._context.request.headers.get(name)

    def get(self, table: "Map[K, V]", key: K) -> V | None:
        """Return the value of a key; ``None`` where the key does not exist.

        Raises:
            LookupError: the policy's declaration does not name the table.
        """
        self._check(table)
        return table.of(self._context.tx).get(key)

    def value(self, table: "Value[V]") -> V | None:
        """Return the one value of a table; ``None`` where there is none.

        Raises:
            LookupError: the policy's declaration does not name the table.
        """
        self._check(table)
        return table.of(self._context.tx).get()

    def contains(self, table: "Set[K]", key: K) -> bool:
        """Return whether a key is in a set.

        Raises:
            LookupError: the policy's declaration does not name the table.
        """
        self._check(table)
        return table.of(self._context.tx).contains(key)

    def caller(self, id: str, data: Json = None) -> AppCaller:  # noqa: A002  # as AppCaller has it
        """Name the caller, whom this policy accepts."""
        return AppCaller(policy=self.policy, id=id, data=data)

    def _check(self, table: "Map[Any, Any] | Value[Any] | Set[Any]") -> None:
        if table.name not in self._tables:
            raise LookupError(
                f'the policy "{self.policy}" does not name the table "{table.name}" '
                "among those that it reads"
            )
