"""Addresses as the configuration writes them: ``host:port``."""

from typing import NamedTuple

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.net_address import unbracketed

PORT_MAX = 65_535


class Address(NamedTuple):
    """A host and a port; port 0 leaves the choice to the operating system.

    An IPv6 address may stand in brackets, as in URLs; it is published as written.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """Return the form that configuration files have."""
        return f"{self.host}:{self.port}"

    @property
    def for_socket(self) -> tuple[str, int]:
        """The host and port as the operating system takes them."""
        return unbracketed(self.host), self.port

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``host:port``; without a colon, the port is 0.

        Raises:
            ConfigurationRefused: the port is no number up to 65535.
        """
        host, colon, port = text.rpartition(":")
        if not colon:
            host, port = text, "0"
        if not (port.isascii() and port.isdigit()):
            raise ConfigurationRefused(
                f"Port '{port}' is not a number; write addresses as host:port"
            )
        if int(port) > PORT_MAX:
            raise ConfigurationRefused(
                f"Port '{port}' is not in range 0-65535; choose another, or 0 for any"
            )
        return cls(host, int(port))


def resolve_published(published: str, bound: Address) -> Address:
    """Return the address to publish: the configured one, completed by ``bound``."""
    if not published:
        return bound
    address = Address.parse(published)
    return address if address.port else Address(address.host, bound.port)
