"""Unfinished requests of all connections: a bound for their bytes together.

Each request has its own bounds, but a thousand connections with one request each could
still hold a gigabyte. Beyond the bound the connection with the largest unfinished
request ends, so that connections with small requests can continue.
"""

from collections.abc import Iterable

from ccfpy.base import limits
from ccfpy.node.sessions.connection import Connection


class Unfinished:
    """The bytes of unfinished requests, counted now and then for each connection."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = 0

    @property
    def is_too_much(self) -> bool:
        """Whether all connections together hold too much."""
        return self._bytes > limits.SESSIONS_UNFINISHED_BYTES_MAX

    def count(self, connection: Connection) -> None:
        """Count a connection again.

        This is done whenever ``SESSION_GRANT_BYTES`` have come, so that each connection
        may hold as many that nobody has counted.
        """
        size = connection.conversation.unfinished_bytes
        self._bytes += size - connection.unfinished_bytes
        connection.unfinished_bytes = size

    def forget(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._bytes -= connection.unfinished_bytes
        connection.unfinished_bytes = 0

    def largest(self, connections: Iterable[Connection]) -> Connection | None:
        """Return the connection to end, if all, counted again, hold too much."""
        candidates = list(connections)
        for connection in candidates:
            self.count(connection)
        if not self.is_too_much:
            return None
        return max(candidates, key=lambda each: each.unfinished_bytes)
