"""Addresses of nodes, as CCF writes them: ``host:port``.

Anybody may choose the address of a node that asks to join, so it is parsed where it
comes in, and again where a tool reads what a service lists: another service may have
taken anything. URLs bracket an IPv6 address, sockets do not, and CCF takes both.
"""

import ipaddress
import re
from typing import NamedTuple, Self

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import HOST_NAME_CHARS_MAX

PORT_MAX = 65_535
_PORT = re.compile(r"[0-9]{1,5}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
"""Names of containers have underscores."""
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]{1,32})?")


class NetAddress(NamedTuple):
    """A host, without brackets, and a port."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The origin to ask there."""
        return f"https://{bracketed(self.host)}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``host:port``: a name, an IPv4 address, or an IPv6 address.

        Raises:
            Malformed: it is none.
        """
        host, _, port = text.rpartition(":")
        bare = unbracketed(host)
        if not _PORT.fullmatch(port) or int(port) > PORT_MAX:
            raise Malformed(f"not an address: {text!r}: write host:port")
        if not (_is_ipv6(bare) or (bare == host and _is_name(host))):
            raise Malformed(f"not an address: {text!r}: no such name can be")
        return cls(bare, int(port))


def bracketed(host: str) -> str:
    """Return a host as URLs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def unbracketed(host: str) -> str:
    """Return a host as sockets and certificates take it: without brackets."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _is_name(host: str) -> bool:
    return len(host) <= HOST_NAME_CHARS_MAX and _NAME.fullmatch(host) is not None


def _is_ipv6(host: str) -> bool:
    if not _IPV6.fullmatch(host):
        return False
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
