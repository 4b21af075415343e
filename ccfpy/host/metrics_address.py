"""Where metrics are served: an address of this machine's own, or a Unix socket."""

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import METRICS_CONNECTIONS_MAX
from ccfpy.host.addresses import Address

UNIX = "unix:"
_SOCKET_MODE = 0o660


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """``HOST:PORT``, or ``unix:PATH``.

    Attributes:
        tcp: the address, unless it is a path.
        path: of the Unix socket.
    """

    tcp: Address | None = None
    path: Path | None = None

    @classmethod
    def parse(cls, text: str, *, anywhere: bool) -> "MetricsAddress":
        """Read what ``--metrics`` says.

        Args:
            text: the address.
            anywhere: an address that other machines reach is allowed.

        Raises:
            ConfigurationRefused: it is no address, or one that may not be used.
        """
        if text.startswith(UNIX):
            if text == UNIX:
                raise ConfigurationRefused(
                    "--metrics unix: names no file; write unix:PATH"
                )
            return cls(path=Path(text.removeprefix(UNIX)))
        address = Address.parse(text)
        if not anywhere and not _is_loopback(address.for_socket[0]):
            raise ConfigurationRefused(
                f"--metrics {text} could be reached from other machines, and nobody is "
                "asked who they are: choose an address such as 127.0.0.1:9464, or add "
                "--metrics-anywhere"
            )
        return cls(tcp=address)

    def bind(self) -> tuple[socket.socket, str]:
        """Bind the address; return the socket, and where it is, for people.

        Raises:
            ConfigurationRefused: it cannot be bound.
        """
        try:
            return self._bind_path() if self.tcp is None else _bind_tcp(self.tcp)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            where = self.tcp or f"{UNIX}{self.path}"
            raise ConfigurationRefused(
                f"cannot serve metrics at {where}: {reason}; give --metrics another "
                "address"
            ) from None

    def _bind_path(self) -> tuple[socket.socket, str]:
        assert self.path is not None, "one of the two is there"
        if self.path.is_socket() and not _is_served(self.path):
            self.path.unlink()
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(str(self.path))
            self.path.chmod(_SOCKET_MODE)
            bound.listen(METRICS_CONNECTIONS_MAX)
        except OSError:
            bound.close()
            raise
        return bound, f"{UNIX}{self.path}"

    def remove(self) -> None:
        """Remove the socket's file, if there is one."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


def _bind_tcp(address: Address) -> tuple[socket.socket, str]:
    host, port = address.for_socket
    family, _, _, _, place = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(METRICS_CONNECTIONS_MAX)
    except OSError:
        bound.close()
        raise
    real = Address(address.host, bound.getsockname()[1])
    return bound, f"http://{real}/metrics"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_served(path: Path) -> bool:
    """Return whether a process answers at a Unix socket.

    A process that is killed leaves the file.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
