"""The order of turns: connections are served in the order in which they began to wait.

While no connection waits, a connection with new bytes has its turn at once. Otherwise
the connection waits behind all waiting connections, so that a connection with a
thousand requests delays another connection by at most a share of a step. Connections
that have not yet established TLS always wait, in queues of their own: a handshake takes
as much processor time as twenty requests, and must not delay requests. A handshake has
a turn only in a step that has heard all that the host had to say, so the requests that
came before are answered first.

Half of the handshakes' turns continue handshakes, and half begin them. With one queue
the first of a thousand clients would be served after the hello of the last; and with a
preference for either half, clients of that half could keep all others waiting.
"""

from collections import deque
from typing import TYPE_CHECKING

from ccfpy.base import limits

if TYPE_CHECKING:
    from ccfpy.node.sessions.connection import Connection


class Turns:
    """The connections that wait for their turn.

    Attributes:
        ready: those that wait, of those with TLS established.
        waiting: how many connections wait.
    """

    def __init__(self) -> None:
        self.ready: deque[Connection] = deque()
        self._beginning: deque[Connection] = deque()
        self._continuing: deque[Connection] = deque()
        self.waiting = 0

    def put(self, connection: "Connection") -> None:
        """Queue a connection behind the others; it may be queued already."""
        if not connection.is_queued:
            connection.is_queued = True
            self._queue_of(connection).append(connection)
            self.waiting += 1

    def _queue_of(self, connection: "Connection") -> "deque[Connection]":
        if connection.is_greeted:
            return self.ready
        return self._continuing if connection.received else self._beginning

    def take(self, *, has_served: bool, has_heard_all: bool) -> "list[Connection]":
        """Return those whose turn it is at the end of a step.

        Where the step has served others at once, those that wait began to wait in it,
        and have their turn in the next.

        Args:
            has_served: whether the step has served others at once.
            has_heard_all: whether no event of the host is known to be behind this step.
        """
        ready: list[Connection] = []
        if not has_served:
            ready = self._take(self.ready, limits.STEP_TURNS_MAX)
        if not has_heard_all:
            return ready
        return ready + self._take_handshakes()

    def _take_handshakes(self) -> "list[Connection]":
        """Take connections without TLS, in turn one of each queue."""
        taken: list[Connection] = []
        this, other = self._continuing, self._beginning
        while len(taken) < limits.STEP_HANDSHAKES_MAX and (this or other):
            taken += self._take(this or other, 1)
            this, other = other, this
        return taken

    def _take(self, queue: "deque[Connection]", most: int) -> "list[Connection]":
        """Take connections off a queue; those that have ended count for nothing."""
        taken: list[Connection] = []
        while queue and len(taken) < most:
            connection = queue.popleft()
            connection.is_queued = False
            self.waiting -= 1
            if not connection.has_ended:
                taken.append(connection)
        return taken
