"""Who may ask a console: the page that the console itself served, and nobody else.

Everything on the machine can reach a port of loopback: other users, other programs, and
any web page that a browser shows. So each request must name the console's own address,
must not come from another page, and must carry a token that only the person who started
the console has been told.

Sources: the fetch standard (``Origin``, ``Sec-Fetch-Site``), Content Security Policy 3.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

API = "/api/"
"""Where answers need a token; the page itself holds nothing secret."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
OWN_SITE = frozenset({"same-origin", "none"})
BEARER = "Bearer "

HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer: the page runs its own script alone and asks its own server alone."""


class Refused(IntEnum):
    """Statuses of refusals."""

    UNAUTHORIZED = 401
    FORBIDDEN = 403
    MISDIRECTED = 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not answered."""

    status: Refused
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The checks of one console.

    Attributes:
        host: the console's own address, such as ``127.0.0.1:8080``.
        token: the secret of this start of the console.
    """

    host: str
    token: str

    def refusal(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> Refusal | None:
        """Return why a request is refused, or nothing.

        Args:
            method: in capitals.
            path: without its query.
            headers: by names, in any case of letters.
        """
        given = {name.lower(): value for name, value in headers.items()}
        if given.get("host") != self.host:
            return Refusal(
                status=Refused.MISDIRECTED, reason=f"this console is http://{self.host}"
            )
        origin = given.get("origin")
        if origin is None and method not in SAFE_METHODS:
            return _foreign("a request that changes something names no origin")
        if origin is not None and origin != f"http://{self.host}":
            return _foreign("another page may not ask this console")
        return self._stranger(given) if path.startswith(API) else None

    def _stranger(self, given: Mapping[str, str]) -> Refusal | None:
        """Return why a request for an answer is refused, or nothing."""
        if given.get("sec-fetch-site", "none") not in OWN_SITE:
            return _foreign("another page may not ask this console")
        shown = given.get("authorization", "").encode(errors="replace")
        if hmac.compare_digest(shown, f"{BEARER}{self.token}".encode()):
            return None
        return Refusal(
            status=Refused.UNAUTHORIZED,
            reason="open the address that ccfpy console printed",
        )


def _foreign(reason: str) -> Refusal:
    return Refusal(status=Refused.FORBIDDEN, reason=reason)
