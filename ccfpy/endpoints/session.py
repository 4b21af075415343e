"""What an endpoint may know of the connection that a request came by."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ccfpy.base import limits
from ccfpy.base.ids import SessionId, View
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.tx import Mark


class RedirectTarget(StrEnum):
    """How a redirect finds the node to name (``include/ccf/redirect.h``)."""

    NODE_BY_ROLE = "NodeByRole"
    STATIC_ADDRESS = "StaticAddress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Where one kind of redirect points.

    Attributes:
        role: ``primary`` or ``backup``, for a node chosen by its role.
        interface: the target node's interface to name; the caller's own if ``None``.
        address: ``host:port``, for a fixed target.
    """

    kind: RedirectTarget = RedirectTarget.NODE_BY_ROLE
    role: str = "primary"
    interface: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """The rules of the interface that accepted a connection.

    Attributes:
        accepted_endpoints: full path templates must match one; ``None`` allows all,
            unless the interface is unsecured, where ``None`` allows none.
        redirect_to_primary: with ``redirect_to_backup``, set when this interface
            redirects in place of forwarding.
        forwarding_timeout_ms: how long the primary may take to answer what this
            interface forwards to it.
    """

    name: str
    unsecured: bool = False
    accepted_endpoints: tuple[re.Pattern[str], ...] | None = None
    redirect_to_primary: Redirect | None = None
    redirect_to_backup: Redirect | None = None
    forwarding_timeout_ms: int = limits.FORWARDING_TIMEOUT_MS

    def accepts(self, full_path: str) -> bool:
        """Tell whether the endpoint with this full path template may be called here."""
        if self.accepted_endpoints is None:
            return not self.unsecured
        return any(p.fullmatch(full_path) for p in self.accepted_endpoints)


@dataclass(frozen=True, slots=True)
class Admission:
    """That a caller was let in, as long as what let it in is unchanged.

    Attributes:
        identity: who the policy said it is.
        certificate: what it presented.
        mark: of the table that has it.
        from_us, until_us: since 1970, when the certificate counts: up to, not with.
    """

    identity: Any
    certificate: Certificate
    mark: Mark
    from_us: int
    until_us: int


@dataclass(slots=True, kw_only=True)
class Session:
    """One client connection, as long as it lasts.

    Attributes:
        caller: the certificate the client proved to hold the key of; nobody vouched
            for it yet.
        active_view: the view of the first request; a later one in another view ends
            the session, since the caller could miss its own writes.
        is_forwarding: a request of it went to the primary, and so do the next, lest
            one misses what an earlier one wrote.
        is_forwarded: it is another node's, which forwarded this request to us.
        admission: what a policy found of the caller the last time, to be looked at
            before it is believed.
    """

    id: SessionId
    interface: Interface
    caller: Certificate | None = None
    active_view: View | None = None
    is_forwarding: bool = False
    is_forwarded: bool = False
    admission: Admission | None = None
