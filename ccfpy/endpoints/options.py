"""What a declaration may say of an endpoint, and what follows where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from ccfpy.endpoints.auth import POLICIES, AllOf
from ccfpy.endpoints.auth.policy import AuthPolicy
from ccfpy.endpoints.declaration import (
    Forwarding,
    LocalCommitHandler,
    Mode,
    Redirection,
)

Auth: TypeAlias = str | AuthPolicy
"""A policy, or the name of one that needs no parameters."""

NO_AUTH = "no_auth"
NO_POLICIES: Mapping[str, AuthPolicy] = {}
READING = frozenset({"GET", "HEAD"})
"""Verbs of requests that have no body."""


class Options(TypedDict, total=False):
    """What a declaration may say of an endpoint.

    Attributes:
        auth: the application's own if not given; empty means anybody.
        mode: read-only for ``GET`` and ``HEAD``, else read-write.
        forwarding: follows from the mode if not given, as does ``redirection``.
        redirection: where a node that should not answer sends the caller.
        on_local_commit: shapes the response when its transaction's id is known.
        status: of an answer that is not a ``Response``.
        answers: for OpenAPI, the type of what a ``Response`` carries.
        takes: for OpenAPI, the type of a body that the handler reads itself.
        also: for OpenAPI, other statuses that are no errors of the usual form, with the
            content type of their text; ``None`` for those without a body.
        hidden: left out of the OpenAPI document.
        deprecated: callers should use another one.
        execution_ms_max: how long its function, and each policy of the application's
            own, may take, if not as long as any of the service's.
        metrics: the node's metrics count its requests apart from others', by its path;
            the owner of each host then sees how often it is called.
    """

    auth: Sequence[Auth]
    mode: Mode
    forwarding: Forwarding
    redirection: Redirection
    on_local_commit: LocalCommitHandler
    status: int
    answers: object
    takes: object
    also: Mapping[int, str | None]
    hidden: bool
    deprecated: bool
    execution_ms_max: int
    metrics: bool


class StreamOptions(TypedDict, total=False):
    """What a declaration may say of a stream; each as in ``Options``.

    Attributes:
        auth: the application's own if not given; empty means anybody.
        method: the verb; ``POST`` if not given.
        mode: read-only if not given; streams that write are the primary's.
        hidden: left out of the OpenAPI document.
        deprecated: callers should use another one.
        execution_ms_max: how long each step may take.
        metrics: the node's metrics count its requests apart from others'.
    """

    auth: Sequence[Auth]
    method: str
    mode: Mode
    hidden: bool
    deprecated: bool
    execution_ms_max: int
    metrics: bool


class ProtocolOptions(TypedDict, total=False):
    """What a declaration may say of a protocol; each as in ``Options``.

    Attributes:
        auth: the application's own if not given; empty means anybody. A session has a
            certificate, and no header or body.
        mode: read-only if not given; sessions that write are the primary's.
        execution_ms_max: how long each step may take.
    """

    auth: Sequence[Auth]
    mode: Mode
    execution_ms_max: int


@dataclass(frozen=True, slots=True)
class Route:
    """How an endpoint runs, and where a node that should not answer sends it."""

    mode: Mode
    forwarding: Forwarding
    redirection: Redirection


_ROUTES = {
    Mode.READ_WRITE: Route(Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
    Mode.READ_ONLY: Route(Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE),
    Mode.HISTORICAL: Route(Mode.HISTORICAL, Forwarding.NEVER, Redirection.NONE),
    Mode.COMMAND: Route(Mode.COMMAND, Forwarding.SOMETIMES, Redirection.NONE),
}


def route_of(method: str, options: Options) -> Route:
    """Return how an endpoint runs; defaults follow from its verb and mode."""
    by_verb = Mode.READ_ONLY if method in READING else Mode.READ_WRITE
    usual = _ROUTES[options.get("mode") or by_verb]
    return Route(
        usual.mode,
        options.get("forwarding") or usual.forwarding,
        options.get("redirection") or usual.redirection,
    )


def policies_of(
    given: Sequence[Auth], own: Mapping[str, AuthPolicy] = NO_POLICIES
) -> tuple[AuthPolicy, ...]:
    """Return the named policies, of which one must accept the caller.

    Args:
        given: policies and names.
        own: the application's policies by their names.

    Raises:
        ValueError: a name is unknown.
    """
    policies = tuple(_policy(each, own) for each in given)
    if len(policies) == 1 and policies[0].name == NO_AUTH:
        return ()  # means the same and costs nothing
    return policies


def all_of(*policies: Auth) -> AllOf:
    """Make a policy that accepts only whom all of these accept.

    Raises:
        ValueError: a name is unknown, or stands twice.
    """
    return AllOf([_policy(each, NO_POLICIES) for each in policies])


def _policy(given: Auth, own: Mapping[str, AuthPolicy]) -> AuthPolicy:
    if not isinstance(given, str):
        return given
    policy = POLICIES.get(given) or own.get(given)
    if policy is None:
        names = ", ".join((*POLICIES, *own))
        raise ValueError(f"no policy {given!r}; there are {names}")
    return policy
