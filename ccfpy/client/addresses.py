"""The addresses of one service's nodes, and which of them to ask first.

Whatever node answered last is asked first, and a write goes first to the node that a
redirect named as primary. A node that cannot be reached, or that refuses, is forgotten
as both and moves to the end.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.net_address import NetAddress
from ccfpy.client.errors import ClientError, Unreachable

ADDRESSES_MAX = 64
"""Addresses that a client keeps: those it was given come first, then learned ones."""


class Addresses:
    """Where the nodes of a service answer, in the order in which to ask them.

    Args:
        urls: at least one, such as ``https://127.0.0.1:8000``.

    Raises:
        ClientError: one of them is no HTTPS address, or there is none.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._known = list(dict.fromkeys(map(base_url, urls)))
        if not self._known:
            raise ClientError("no address of a node to ask")
        self._last: str | None = None
        self._primary: str | None = None

    @property
    def known(self) -> Sequence[str]:
        """Return the addresses that were given and learned."""
        return tuple(self._known)

    def order(self, *, is_write: bool) -> list[str]:
        """Return every address once, those to ask first at the front."""
        first = [self._primary] if is_write else []
        found = [each for each in (*first, self._last) if each is not None]
        return list(dict.fromkeys([*found, *self._known]))

    def learn(self, urls: Iterable[str]) -> None:
        """Keep further addresses, as long as there is room."""
        for url in urls:
            if url not in self._known and len(self._known) < ADDRESSES_MAX:
                self._known.append(url)

    def answered(self, url: str) -> None:
        """Ask this address first from now on."""
        self._last = url

    def led_to(self, url: str) -> None:
        """Send writes to this address first from now on."""
        self._primary = url

    def failed(self, url: str) -> None:
        """Ask this address last, until it answers."""
        if url == self._last:
            self._last = None
        if url == self._primary:
            self._primary = None
        if url in self._known:
            self._known.remove(url)
            self._known.append(url)


def base_url(text: str) -> str:
    """Return the origin of an address, HTTPS where it names no scheme.

    Raises:
        ClientError: it is no HTTPS address.
    """
    address = text if "//" in text else f"https://{text}"
    try:
        url = urlsplit(address)
        has_place = url.scheme == "https" and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise ClientError(f"not an address: {text!r}: {error}") from error
    if not has_place:
        raise ClientError(f"not an HTTPS address: {text!r}")
    return origin_of(address)


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def redirect_target(url: str, location: str) -> str:
    """Return the address that a redirect leads to.

    Raises:
        Unreachable: it is none, or not HTTPS.
    """
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise Unreachable(
            f"{origin_of(url)} redirects to no address: {location}"
        ) from error
    if urlsplit(target).scheme != "https":
        raise Unreachable(f"{origin_of(url)} redirects away from HTTPS, to {location}")
    return target


def published_addresses(nodes: JsonObject, interface: str | None) -> list[str]:
    """Return where the trusted nodes of ``GET /node/network/nodes`` answer.

    Args:
        nodes: the service's answer.
        interface: the name of the interface; if not given, all interfaces that speak
            HTTP/1.1, as this client does.
    """
    found: list[str] = []
    for node in _objects(nodes.get("nodes")):
        interfaces = node.get("rpc_interfaces")
        if node.get("status") != "Trusted" or not isinstance(interfaces, dict):
            continue
        for name, described in interfaces.items():
            if not isinstance(described, dict):
                continue
            if name == interface or (interface is None and speaks_http_1(described)):
                found += filter(
                    None, [published_url(described.get("published_address"))]
                )
    return found


def published_url(address: Json) -> str | None:
    """Return the origin of a published address; None for what cannot be asked.

    Anybody can ask a service to list a node, with an address of any text.
    """
    try:
        place = NetAddress.parse(address) if isinstance(address, str) else None
    except Malformed:
        return None
    return place.url if place is not None and place.port else None


def speaks_http_1(interface: JsonObject) -> bool:
    """Return whether an interface, as a service lists it, speaks HTTP/1.1."""
    return interface.get("app_protocol") in (None, "HTTP1")


def _objects(value: Json) -> list[JsonObject]:
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]
