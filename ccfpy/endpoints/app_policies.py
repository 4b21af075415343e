"""Authentication policies that an application declares, and their names."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.auth.policy import (
    AuthPolicy,
    CustomAuth,
    Identity,
    RequestCredentials,
    SecurityScheme,
)
from ccfpy.endpoints.diagnostics import check_is_plain, misdeclared

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.endpoints.context import Context
    from ccfpy.kv.maps import Map, Set, Value


Judge: TypeAlias = Callable[[RequestCredentials], Identity]
"""Names the caller, or raises ``Unauthenticated`` with the reason."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SCHEMES: Final = {
    "apiKey": ("in", "name"),
    "http": ("scheme",),
    "oauth2": ("flows",),
    "openIdConnect": ("openIdConnectUrl",),
}
"""What the definition of each kind of scheme must have (OpenAPI 3.0, 4.7.27)."""


def custom_policy(
    name: str,
    *,
    reads: "Sequence[Map[Any, Any] | Value[Any] | Set[Any]]" = (),
    security_scheme: "Mapping[str, Json] | None" = None,
) -> Callable[[Judge], CustomAuth]:
    """Make a policy of the decorated function.

    The function is asked before anybody knows the caller, within the limits of any
    function of the application. It returns ``credentials.caller(…)``, or an identity of
    another type, or raises ``Unauthenticated`` with the reason. A list of policies may
    have the policy itself; if ``App(policies=…)`` has it too, its name will do.

    Args:
        name: the policy's, in errors, in documents and for scripts.
        reads: the tables that the function may look into.
        security_scheme: how OpenAPI 3.0 describes the policy, if it has words for it.

    Raises:
        Misdeclared: the declaration is wrong. The decorator raises it.
    """
    tables = frozenset(table.name for table in reads)

    def declare(judge: Judge) -> CustomAuth:
        check_is_plain(judge)
        problem = _problem(name, security_scheme)
        if problem is not None:
            raise misdeclared(judge, problem)

        def authenticate(context: "Context") -> Identity:
            return judge(RequestCredentials(context, policy=name, tables=tables))

        scheme = None
        if security_scheme is not None:
            scheme = SecurityScheme(name, dict(security_scheme))
        return CustomAuth(name, authenticate, security_scheme=scheme)

    return declare


def policies_by_name(policies: Sequence[AuthPolicy]) -> Mapping[str, AuthPolicy]:
    """Return an application's policies by their names.

    Raises:
        ValueError: a name is one of the service's own policies, or of two policies.
    """
    named: dict[str, AuthPolicy] = {}
    for policy in policies:
        if policy.name in POLICIES:
            raise ValueError(f"{policy.name!r} is the name of a policy of the service")
        if policy.name in named:
            raise ValueError(f"two policies have the name {policy.name!r}")
        named[policy.name] = policy
    return named


def _problem(name: str, scheme: "Mapping[str, Json] | None") -> str | None:
    if not _NAME.fullmatch(name):
        return (
            f'is declared as the policy "{name}": write a letter, and then at most 63 '
            "letters, digits, dots, dashes and underlines"
        )
    if name in POLICIES:
        return (
            f'is declared as the policy "{name}", which is one of the service: choose '
            "another name"
        )
    if scheme is None:
        return None
    kind = scheme.get("type")
    needed = _SCHEMES.get(kind) if isinstance(kind, str) else None
    if needed is None:
        kinds = ", ".join(f'"{each}"' for each in _SCHEMES)
        return (
            f'is declared with a security scheme of the type "{kind}": write one of '
            f"{kinds}"
        )
    missing = [field for field in needed if field not in scheme]
    if missing:
        return f'is declared with a security scheme without "{missing[0]}": add it'
    return None
