"""Ports for processes that have to be told where to listen."""

import contextlib
import random
import socket

PORT_MIN, PORT_MAX = 20_000, 31_999
"""Below those that Linux, macOS and Windows give to connections and to listeners on
port 0: one of theirs may be taken between the search and its use."""
ATTEMPTS_MAX = 1_000


def free_ports(count: int = 1, *, host: str = "127.0.0.1") -> range:
    """Find ports in a row on which nobody listens.

    Programs that search at the same time begin at different places.

    Raises:
        OSError: none are free.
    """
    latest = PORT_MAX - count + 1
    for _ in range(ATTEMPTS_MAX):
        first = random.randint(PORT_MIN, latest)  # noqa: S311 - a port is no secret
        ports = range(first, first + count)
        if all(_is_free(host, port) for port in ports):
            return ports
    raise OSError(f"no {count} ports in a row of {host} are free")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind((host, port))
        return True
    return False
