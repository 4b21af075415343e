"""What an endpoint may know of the connection that a request came by."""

import re
from dataclasses import dataclass
from typing import Any

from ccfpy.base import limits
from ccfpy.base.ids import SessionId, View
from ccfpy.boundary.configuration import RedirectTarget
from ccfpy.crypto.certs import Certificate
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.kv.tx import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceRules:
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
    redirect_to_primary: RedirectTarget | None = None
    redirect_to_backup: RedirectTarget | None = None
    forwarding_timeout_ms: int = limits.FORWARDING_TIMEOUT_MS

    def accepts(self, full_path: str) -> bool:
        """Return whether the endpoint with this path template may be called here."""
        if self.accepted_endpoints is None:
            return not self.unsecured
        return any(p.fullmatch(full_path) for p in self.accepted_endpoints)


@dataclass(frozen=True, slots=True)
class CachedAuthentication:
    """A successful authentication, valid while its table entry is unchanged.

    Attributes:
        identity: the caller as the policy identified it.
        certificate: the certificate that the caller presented.
        mark: the mark of the table that has the certificate.
        from_us, until_us: when the certificate is valid, in microseconds since 1970;
            the latter is not included.
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
        is_forwarding: a request of the session went to the primary, and the next
            requests go there too, so that each sees what earlier requests wrote.
        is_forwarded: it is another node's, which forwarded this request to us.
        origin: the address that it comes from, or the node that forwards; the host says
            so. Nothing but a fair share may rest on it.
        authentication: what a policy found of the caller the last time, to be looked at
            before it is believed.
    """

    id: SessionId
    interface: InterfaceRules
    caller: Certificate | None = None
    active_view: View | None = None
    is_forwarding: bool = False
    is_forwarded: bool = False
    origin: str = ""
    authentication: CachedAuthentication | None = None

    def stay_in(self, view: View) -> None:
        """Note the view of the first request.

        Raises:
            ApiError: 500, an earlier request was answered in another view.
        """
        if self.active_view is None:
            self.active_view = view
        elif self.active_view != view:
            raise ApiError(
                500,
                ErrorCode.SessionConsistencyLost,
                f"Potential loss of session consistency on session {self.id}. "
                f"Started in view {self.active_view}, now in view {view}. "
                "Closing session.",
                close=True,
            )
