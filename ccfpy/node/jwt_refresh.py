"""How a primary keeps the keys of token issuers up to date.

The primary fetches an issuer's keys when members set the issuer, and at each interval:
first the issuer's metadata (OpenID Connect Discovery), then the key set that the
metadata names. The server must show one of the certificates that governance chose for
the issuer, or a certificate that these vouch for under the name in the address. TLS
ends in this node. A transaction of this node writes the keys, and only if they differ
from the known keys (``src/node/jwt_key_auto_refresh.h``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import CallId, Seqno
from ccfpy.base.json import loads_object
from ccfpy.base.net_address import bracketed
from ccfpy.boundary.effects import LogLevel
from ccfpy.http.messages import Request
from ccfpy.http.tls_calls import ClientContext
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store
from ccfpy.node.outbound import CallFailed, OutboundClient, Outcome
from ccfpy.node.outbox import Outbox
from ccfpy.node.ports import HostClock, Primary, WakeFlag
from ccfpy.service.jwt_keys import key_set, set_keys
from ccfpy.service.records import Refused
from ccfpy.service.tables.jwt import CA_CERT_BUNDLES, ISSUERS

_DISCOVERY = "/.well-known/openid-configuration"
_OK = 200
_HTTPS_PORT = 443
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(slots=True)
class RefreshCounts:
    """What ``/node/jwt_keys/refresh/metrics`` reports of this node.

    Attributes:
        attempts: refreshes begun, also those of which nothing was heard.
        successes: key sets that were taken.
        failures: answers that could not be used, and issuers that could not be asked.
    """

    attempts: int = 0
    successes: int = 0
    failures: int = 0


class _Refresh(NamedTuple):
    """One issuer's refresh.

    Attributes:
        bundle: PEM certificates of the authorities that may vouch for its servers.
        constraint: the issuer's name in tokens, as it says itself.
    """

    issuer: str
    bundle: str
    constraint: str | None = None


class _IssuerLocation(NamedTuple):
    """Where something is to be had: ``address`` is for the host, ``host`` for TLS."""

    address: str
    host: str
    path: str
    query: str


@dataclass(eq=False, kw_only=True)
class JwtRefresh:
    """The refreshes of one node.

    Attributes:
        node: whose transactions enter the keys.
        calls: the way to issuers.
        time: the node's clock; certificates of issuers must be valid at its time.
        interval_ms: between refreshes; 0 for none but when an issuer is set.
    """

    node: Primary
    calls: OutboundClient
    outbox: Outbox
    time: HostClock
    interval_ms: int

    def __post_init__(self) -> None:
        self.counts = RefreshCounts()
        self._due_ms = self.time.monotonic_ms + self.interval_ms
        self._is_due = False
        self._are_set = False
        self._waiting: dict[str, None] = {}
        self._under_way: dict[str, CallId] = {}

    def watch(self, store: Store, wake_flag: WakeFlag) -> None:
        """Watch the issuers' table, and set the wake flag when an issuer is set."""

        def on_issuers(_: Seqno, writes: Writes) -> None:
            del writes
            self._are_set = True
            wake_flag.set()

        store.on_local(ISSUERS.name, on_issuers)

    def tick(self, now_ms: int) -> None:
        """Advance the clock; what becomes due is done at the end of the step."""
        if self.interval_ms and now_ms >= self._due_ms:
            self._due_ms = now_ms + self.interval_ms
            self._is_due = True

    def work(self) -> None:
        """Ask the issuers that are due, a bounded number at once."""
        if self._is_due or self._are_set:
            self._line_up()
        while self._waiting and len(self._under_way) < limits.JWT_REFRESHES_MAX:
            issuer = next(iter(self._waiting))
            del self._waiting[issuer]
            self._begin(issuer)

    def _line_up(self) -> None:
        """Queue all issuers.

        When members set issuers, a running refresh may use their earlier settings.
        """
        if self._are_set:
            for call in self._under_way.values():
                self.calls.abandon(call)
            self._under_way.clear()
        self._is_due = self._are_set = False
        if not self.node.is_primary:
            self._debug("Node is not primary, skipping")
            return
        try:
            issuers = list(ISSUERS.of(self.node.begin(read_only=True)).items())
        except Malformed as error:
            self.outbox.fail(f"JWT key auto-refresh: {error}")
            return
        for issuer, how in issuers:
            if how.auto_refresh and issuer not in self._under_way:
                self._waiting[issuer] = None

    def _begin(self, issuer: str) -> None:
        self.counts.attempts += 1
        self._debug(f"Refreshing keys for issuer '{issuer}'")
        try:
            refresh = _Refresh(issuer, self._bundle_for(issuer))
            url = issuer.removesuffix("/") + _DISCOVERY
            self._ask(refresh, "OpenID metadata", url, self._discovered)
        except CcfpyError as error:
            self._failed(issuer, error)

    def _bundle_for(self, issuer: str) -> str:
        tx = self.node.begin(read_only=True)
        how = ISSUERS.of(tx).get(issuer)
        name = how.ca_cert_bundle_name if how is not None else None
        bundle = None if name is None else CA_CERT_BUNDLES.of(tx).get(name)
        if bundle is None:
            raise Refused(f"CA cert bundle with name '{name}' not found")
        return bundle

    def _ask(
        self,
        refresh: _Refresh,
        what: str,
        url: str,
        take: Callable[[_Refresh, bytes], None],
    ) -> None:
        """Ask for ``what`` an issuer publishes at ``url``; ``take`` gets the answer."""
        place = _place_of(url)
        self._under_way[refresh.issuer] = self.calls.request(
            place.address,
            Request(method="GET", path=place.path, query=place.query),
            trust=ClientContext(
                trusted_pem=refresh.bundle, host=place.host, now=self.time.now
            ),
            then=partial(self._answered, refresh, what, take),
            response_bytes_max=limits.JWT_RESPONSE_BYTES_MAX,
        )

    def _answered(
        self,
        refresh: _Refresh,
        what: str,
        take: Callable[[_Refresh, bytes], None],
        outcome: Outcome,
    ) -> None:
        del self._under_way[refresh.issuer]
        if isinstance(outcome, CallFailed):
            # No answer says nothing of the issuer; as in CCF, no failure is counted.
            self.outbox.fail(
                f"JWT key auto-refresh: No {what} of issuer '{refresh.issuer}': "
                f"{outcome.detail}"
            )
            return
        try:
            if outcome.status != _OK:
                raise Refused(f"Error while requesting {what}: {outcome.status}")
            take(refresh, outcome.body)
        except CcfpyError as error:
            self._failed(refresh.issuer, error)

    def _discovered(self, refresh: _Refresh, body: bytes) -> None:
        """Read what an issuer says of itself, and ask for its keys."""
        metadata = loads_object(body)
        url, name = metadata.get("jwks_uri"), metadata.get("issuer")
        if not isinstance(url, str) or not isinstance(name, str | None):
            raise Malformed("Cannot parse OpenID metadata: jwks_uri or issuer")
        self._ask(refresh._replace(constraint=name), "JWKS", url, self._published)

    def _published(self, refresh: _Refresh, body: bytes) -> None:
        """Return an issuer's keys; one without a constraint is for its own tokens."""
        keys = [
            replace(key, issuer=refresh.constraint) if key.issuer is None else key
            for key in key_set(loads_object(body))
        ]
        if not self.node.is_primary:
            raise Refused("this node is no longer primary")
        tx = self.node.begin(read_only=False)
        how = ISSUERS.of(tx).get(refresh.issuer)
        if how is None or not how.auto_refresh:
            raise Refused(f"{refresh.issuer} does not have auto_refresh enabled")
        set_keys(tx, refresh.issuer, keys)
        self.node.commit(tx, None)
        self.counts.successes += 1

    def _failed(self, issuer: str, error: CcfpyError) -> None:
        self.counts.failures += 1
        self.outbox.fail(f"JWT key auto-refresh: issuer '{issuer}': {error}")

    def _debug(self, message: str) -> None:
        self.outbox.log(LogLevel.DEBUG, f"JWT key auto-refresh: {message}")


def _place_of(url: str) -> _IssuerLocation:
    """Read where to go.

    Raises:
        Malformed: it is no https URL of a server.
    """
    if len(url) > limits.JWT_URL_CHARS_MAX:
        raise Malformed(f"a URL of {len(url)} characters")
    try:
        parts = urlsplit(url)
        port = parts.port or _HTTPS_PORT
        host = _host_of(parts.hostname or "")
    except ValueError as error:
        raise Malformed(f"Cannot parse URL {url!r}") from error
    if parts.scheme != "https" or parts.username is not None:
        raise Malformed(f"not the https URL of a server: {url!r}")
    address = f"{bracketed(host)}:{port}"
    return _IssuerLocation(address, host, parts.path or "/", parts.query)


def _host_of(name: str) -> str:
    """Return a name or address in ASCII.

    Raises:
        ValueError: it can be neither.
    """
    if ":" in name:
        return str(ip_address(name))
    ascii_name = name.encode("idna").decode()
    if not _NAME.fullmatch(ascii_name):
        raise ValueError(name)
    return ascii_name
