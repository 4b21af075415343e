"""The order of turns: connections are served in the order in which they began to wait.

While no connection waits, a connection with new bytes has its turn at once. Otherwise
the connection waits behind all waiting connections, so that a connection with a
thousand requests delays another connection by at most a share of a step. Connections
that have not yet established TLS always wait, in a separate queue: a handshake takes as
much processor time as twenty requests, and must not delay requests.
"""

from collections import deque
from typing import TYPE_CHECKING

from ccfpy.base import limits

if TYPE_CHECKING:
    from ccfpy.node.sessions.connection import Connection


class Turns:
    """The connections that wait, and how many have their turn in this step.

    Attributes:
        ready: those that wait, of those with TLS established.
        waiting: how many connections wait.
        turns_left: how many connections this step still serves.
        requests_left: how many requests this step still answers.
    """

    def __init__(self) -> None:
        self.ready: deque[Connection] = deque()
        self._greeting: deque[Connection] = deque()
        self.waiting = 0
        self.turns_left = limits.STEP_TURNS_MAX
        self.requests_left = limits.STEP_REQUESTS_MAX

    def renew(self) -> None:
        """Begin the turns of another step."""
        self.turns_left = limits.STEP_TURNS_MAX
        self.requests_left = limits.STEP_REQUESTS_MAX

    def share(self, turns: int) -> int:
        """Return how many requests each of so many connections has answered now."""
        share = max(1, self.requests_left // turns)
        self.requests_left = max(0, self.requests_left - share * turns)
        return share

    def put(self, connection: "Connection") -> None:
        """Queue a connection behind the others; it may be queued already."""
        if not connection.is_queued:
            connection.is_queued = True
            queue = self.ready if connection.is_greeted else self._greeting
            queue.append(connection)
            self.waiting += 1

    def take(self) -> "list[Connection]":
        """Return those whose turn it is at the end of a step.

        Where the step has served others at once, those that wait began to wait in it,
        and have their turn in the next.
        """
        ready: list[Connection] = []
        if self.turns_left == limits.STEP_TURNS_MAX:
            ready = self._take(self.ready, limits.STEP_TURNS_MAX)
        return ready + self._take(self._greeting, limits.STEP_HANDSHAKES_MAX)

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
