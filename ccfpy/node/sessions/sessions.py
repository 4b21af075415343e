"""Client connections inside the enclave: the connections, their caps and their turns.

The host relays ciphertext; plaintext exists only here, in each `Connection`. One step
serves a bounded number of connections and a bounded part of each; the others wait for
the next step. A connection whose answers the host cannot send is not served. The host
reports how many bytes it has sent, and the node reports how many of a client's bytes it
has read, so that neither buffers more of a client than ``base.limits`` allows. Each
unfinished request is bounded, and so is their sum: beyond it, the connection with the
largest unfinished request is closed.

Connections have their turns in the order in which they began to wait (`Turns`). If none
waits, a connection with new bytes has its turn at once. Otherwise it waits behind the
others, so that a connection with a thousand requests delays another one by at most a
share of a step.

Connections without TLS yet always wait, in queues of their own. A handshake takes as
much processor time as twenty requests and must not delay requests. A handshake has a
turn only in a step that has processed all events of the host, so that earlier requests
are answered first. Half of these turns continue handshakes and half begin them. With
one queue, the first of a thousand clients would be served after the hello of the last
one; if either half had priority, its clients could keep all others waiting.
"""

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import CloseSession, KeepSession, ReadMore, SendData
from ccfpy.http.errors import ErrorCode, unavailable
from ccfpy.http.tls import HTTP_1_1, HTTP_2, ServerContext
from ccfpy.node.sessions.client import Client, InterfaceSessions, SessionCounts
from ccfpy.node.sessions.connection import Connection, Turn
from ccfpy.node.streams import NodeStreams

if TYPE_CHECKING:
    from ccfpy.boundary.events import SessionData, SessionWritten
    from ccfpy.endpoints.app_calls import NodeCall
    from ccfpy.endpoints.session import Session
    from ccfpy.node.identity import PresentedCertificates
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.sessions.client import Router
    from ccfpy.node.streams import CommitFeed


class Sessions:
    """All connections of a node, by the host's session number.

    Attributes:
        turns: the connections that wait for a turn.
        serving: the connections that have their turn.
        is_full: whether unfinished requests take too much memory.
    """

    def __init__(
        self,
        counts: SessionCounts,
        *,
        certificates: "PresentedCertificates",
        router: "Router",
        outbox: "Outbox",
        feed: "CommitFeed",
    ) -> None:
        self._counts = counts
        self._interfaces = counts.interfaces
        self._router = router
        self._certificates = certificates
        self._outbox = outbox
        self._connections: dict[SessionId, Connection] = {}
        self._settled: list[Client] = []
        self._streams = NodeStreams(
            feed, on_turn=self._has_news, on_kept=self._keep_session
        )
        self.turns = Turns()
        self._unfinished = Unfinished()
        self.is_full = False
        self._looked_ms: int | None = None
        self.serving = deque[Connection]()
        self._answered: list[Connection] = []
        self._share = 0
        self._sent_bytes = 0
        self._turns_left = limits.STEP_TURNS_MAX
        """Number of connections that this step may still serve at once."""
        self._requests_left = limits.STEP_REQUESTS_MAX
        """Number of requests that this step may still answer."""

    def open(self, session_id: SessionId, interface_name: str, peer: str) -> None:
        """Accept a connection, unless its interface is full or has no certificate.

        Args:
            session_id: the host's session number.
            interface_name: name of the interface that accepted it.
            peer: the client's ``host:port``, according to the host.
        """
        interface = self._interfaces.get(interface_name)
        if interface is None or session_id in self._connections:
            self._outbox.fail(f"The host opened session {session_id} wrongly")
            self._outbox.put(CloseSession(session=session_id))
            return
        configuration = interface.configuration
        if interface.active >= configuration.sessions_hard_max:
            self._refuse(session_id, interface)
            return
        context: ServerContext | None = None
        if configuration.authority is not InterfaceAuthority.UNSECURED:
            context = self._certificates.context_for(
                configuration.authority,
                HTTP_1_1 if interface.http2 is None else HTTP_2,
            )
            if context is None:
                self._outbox.put(CloseSession(session=session_id))
                return
        self._connections[session_id] = Connection(
            session_id,
            interface,
            context,
            router=self._router,
            origin=peer.rpartition(":")[0],
            is_capped=interface.active >= configuration.sessions_soft_max,
            on_settled=self._settled.append,
            streams=self._streams,
        )
        self._counts.opened(interface)
        if context is None:
            self._review(self._connections[session_id])

    def _refuse(self, session_id: SessionId, interface: InterfaceSessions) -> None:
        configuration = interface.configuration
        self._outbox.info(
            f"Refusing TLS session {session_id} inside the enclave - already have "
            f"{interface.active} sessions from interface {configuration.name} and "
            f"limit is {configuration.sessions_hard_max}"
        )
        self._outbox.put(CloseSession(session=session_id))

    def begin_step(self) -> None:
        """Reset the bounds on connections and requests for a new step."""
        self._turns_left = limits.STEP_TURNS_MAX
        self._requests_left = limits.STEP_REQUESTS_MAX

    def _share_of(self, turns: int) -> int:
        """Return how many requests each of ``turns`` connections may have answered."""
        share = max(1, self._requests_left // turns)
        self._requests_left = max(0, self._requests_left - share * turns)
        return share

    def data(self, events: "list[SessionData]") -> None:
        """Read bytes from clients; bytes of an ended session are dropped.

        All connections pass one stage before the first passes the next. The code of one
        stage nearly fits into the processor's cache, but not the code of two. Bytes for
        which the step has no time wait for ``take_turns``.
        """
        group: list[Connection] = []
        for event in events:
            connection = self._connections.get(event.session)
            if connection is not None:
                self._hear(connection, event.data, group)
        if not group:
            return
        for connection in group:
            connection.decrypt()
        for connection in group:
            connection.parse()
        share = self._share_of(len(group))
        for connection in group:
            connection.begin(share)
            connection.turn = Turn.READ
        self.serving += group

    def _hear(
        self, connection: Connection, data: bytes, group: list[Connection]
    ) -> None:
        """Receive as many of a client's bytes as fit into this turn; keep the rest.

        Args:
            connection: the client's connection.
            data: the bytes.
            group: the connections whose bytes are read in this turn.
        """
        if not connection.has_spoken:
            if not connection.is_idle or self.turns.ready or not self._turns_left:
                self._keep(connection, data)
                return
            self._turns_left -= 1
            connection.is_idle = False
            group.append(connection)
            if len(data) <= limits.SESSION_TURN_BYTES_MAX:
                connection.hear(data)
                return
        fitting = connection.fitting(data)
        if fitting:
            connection.hear(fitting)
        if len(fitting) < len(data):
            self._keep(connection, data[len(fitting) :])
            if connection.has_ended:
                group.remove(connection)

    def _keep(self, connection: Connection, data: bytes) -> None:
        """Keep bytes for a later turn."""
        if connection.keep(data):
            self._review(connection)
        else:
            self._outbox.fail(
                f"The host passed on more than it may of session "
                f"{connection.session.id}"
            )
            self._send(connection, connection.dismiss(), ends=True)

    def _serve(self, connection: Connection, turn: Turn) -> None:
        """Append a connection to those that have their turn."""
        connection.turn = turn
        self.serving.append(connection)

    def next_call(self) -> "NodeCall | None":
        """Return the next call of the connections that have their turn.

        If there is none, the answers are sent.
        """
        serving = self.serving
        while serving:
            connection = serving[0]
            is_served = not connection.has_ended and (
                connection.has_begun or self._has_begun(connection)
            )
            if is_served and connection.is_serving:
                call = connection.conversation.next_call()
                if call is not None:
                    return call
            serving.popleft()
            turn, connection.turn = connection.turn, None
            if is_served:
                self._end_turn(connection, turn)
        if self._answered:
            self.send_answered()
        return None

    def _has_begun(self, connection: Connection) -> bool:
        """Begin a connection's turn; return false if it must wait."""
        if connection.turn is not Turn.WAITED:
            connection.resume(1)
        elif connection.is_leaving:
            connection.begin_turn(1)
        elif self._sent_bytes >= limits.STEP_REPLIES_BYTES_MAX:
            self.turns.put(connection)
            return False
        else:
            connection.begin_turn(self._share)
        return True

    def _end_turn(self, connection: Connection, turn: Turn | None) -> None:
        """End a connection's turn, which has nothing more to answer."""
        connection.has_begun = False
        if connection.is_leaving:
            self._part_with(connection, is_last=turn is Turn.LAST)
        elif turn is Turn.READ:
            self._answered.append(connection)
        else:
            connection.write()
            connection.encrypt()
            data, ends = connection.take()
            self._sent_bytes += len(data)
            self._send(connection, data, ends=ends)
            if not ends:
                self._review(connection)

    def send_answered(self) -> None:
        """Send the answers to the clients whose bytes were read in this step."""
        answered, self._answered = self._answered, []
        for connection in answered:
            connection.write()
        for connection in answered:
            connection.encrypt()
        for connection in answered:
            data, ends = connection.take()
            if not connection.has_ended:
                connection.is_idle = True
                self._send(connection, data, ends=ends)

    def _review(self, connection: Connection) -> None:
        """Queue a connection for a turn, if it wants one and has none now."""
        if connection.turn is not None:
            return
        connection.is_idle = not connection.has_left
        if connection.wants_turn:
            self.turns.put(connection)

    def _has_news(self, session: "Session") -> None:
        """Queue the connection of a session whose live stream has news."""
        connection = self._connections.get(session.id)
        # The host may use a number again for another client.
        if connection is not None and connection.session is session:
            self._review(connection)

    def _keep_session(self, session_id: SessionId, is_kept: bool) -> None:
        self._outbox.put(KeepSession(session=session_id, is_kept=is_kept))

    def take_turns(self, *, has_heard_all: bool) -> None:
        """Serve the waiting connections whose turn it is at the end of a step.

        Args:
            has_heard_all: whether the host has no more events for the next step.
        """
        taken = self.turns.take(
            has_served=self._turns_left < limits.STEP_TURNS_MAX,
            has_heard_all=has_heard_all,
        )
        if taken:
            self._share = self._share_of(len(taken))
            self._sent_bytes = 0
            for connection in taken:
                self._serve(connection, Turn.WAITED)

    def written(self, event: "SessionWritten") -> None:
        """Note that the host has sent answers to the client."""
        connection = self._connections.get(event.session)
        if connection is not None:
            connection.written(event.size)
            if not connection.is_idle:
                self._review(connection)

    def tick(self, monotonic_ms: int) -> None:
        """End the connections of clients that have stalled.

        Between two checks at most twice the usual interval counts: a node that was
        suspended does not know what its clients did.
        """
        self._streams.now_ms = monotonic_ms
        if self._looked_ms is None:
            self._looked_ms = monotonic_ms
        elapsed_ms = monotonic_ms - self._looked_ms
        if elapsed_ms < limits.SESSIONS_LOOK_MS:
            return
        self._looked_ms = monotonic_ms
        elapsed_ms = min(elapsed_ms, 2 * limits.SESSIONS_LOOK_MS)
        stalled = [
            (connection, stall)
            for connection in self._connections.values()
            if (stall := connection.stall(elapsed_ms)) is not None
        ]
        for connection, stall in stalled:
            if not connection.is_greeted:
                connection.interface.handshakes["timeout"] += 1
            self._outbox.info(
                f"Closing session {connection.session.id}, whose client {stall} in "
                f"{limits.SESSION_UNFINISHED_MS_MAX // 1000}s"
            )
            self._send(connection, connection.dismiss(), ends=True)

    @property
    def has_settled(self) -> bool:
        """Whether a pending response is ready to be sent."""
        return bool(self._settled)

    def resume(self) -> None:
        """Send the responses that are ready; the requests behind them wait for a turn.

        This happens at the end of a step. A response may become ready in the middle of
        a transaction, and the next request must not begin inside it.
        """
        settled, self._settled[:] = self._settled[:], []
        for client in settled:
            session = client.session
            connection = self._connections.get(session.id)
            # The host may use a number again for another client.
            if (
                connection is not None
                and connection.session is session
                and connection.turn is None
            ):
                self._serve(connection, Turn.SETTLED)

    def _send(self, connection: Connection, data: bytes, *, ends: bool) -> None:
        """End a turn: send its answers, and queue what wants another turn."""
        size = len(data)
        if size > limits.SEND_BYTES_MAX:
            self._send_in_pieces(connection.session.id, data)
        elif data:
            self._outbox.put(SendData(session=connection.session.id, data=data))
        connection.unread_bytes += size
        if ends:
            session_id = connection.session.id
            self.closed(session_id)
            self._outbox.put(CloseSession(session=session_id))
            return
        if connection.received >= connection.grant_at:
            self._grant(connection)
        if (
            connection.conversation.has_left
            or connection.inbox
            or connection.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX
        ):
            self._review(connection)

    def _grant(self, connection: Connection) -> None:
        """Allow the host to read as many bytes as the node has processed."""
        granted = connection.grant_at - limits.SESSION_GRANT_BYTES
        size = connection.received - granted
        connection.grant_at += size
        self._outbox.put(ReadMore(session=connection.session.id, size=size))
        self._unfinished.count(connection)
        self.is_full = self.is_full or self._unfinished.is_too_much

    def make_room(self) -> None:
        """End the connections with the largest unfinished requests."""
        self.is_full = False
        while True:
            connection = self._unfinished.largest(self._connections.values())
            if connection is None:
                return
            self._outbox.info(
                f"Closing session {connection.session.id}, whose "
                f"{connection.unfinished_bytes} bytes of unfinished requests are the "
                f"most of all that exceed {limits.SESSIONS_UNFINISHED_BYTES_MAX}"
            )
            refusal = unavailable(
                ErrorCode.SessionCapExhausted,
                "Too many bytes of unfinished requests",
                close=True,
            )
            data = connection.turn_away(refusal.response())
            self._send(connection, data, ends=True)

    def _send_in_pieces(self, session_id: SessionId, reply: bytes) -> None:
        for start in range(0, len(reply), limits.SEND_BYTES_MAX):
            piece = reply[start : start + limits.SEND_BYTES_MAX]
            self._outbox.put(SendData(session=session_id, data=piece))

    def left(self, session_id: SessionId) -> None:
        """Forget a session whose client has gone, after one last turn if it waits.

        One request that the client sent before it left is still run. A protocol of the
        application's receives all bytes, and the end.
        """
        connection = self._connections.get(session_id)
        if connection is None:
            return
        self._forget(connection)
        connection.is_leaving = True
        if connection.turn is not None:
            return  # the turn ends with the connection
        if connection.is_greeted and connection.is_queued:
            self._serve(connection, Turn.WAITED)
        else:
            self._part_with(connection, is_last=not connection.is_greeted)

    def _part_with(self, connection: Connection, *, is_last: bool) -> None:
        """Abandon a connection whose client has gone, after its last turn."""
        conversation = connection.conversation
        if is_last or not conversation.hear_loss():
            connection.abandon()
        elif connection.inbox:
            self._serve(connection, Turn.WAITED)
        else:
            conversation.hear_end()
            self._serve(connection, Turn.LAST)

    def closed(self, session_id: SessionId) -> None:
        """Forget a session."""
        connection = self._connections.get(session_id)
        if connection is not None:
            self._forget(connection)
            connection.abandon()

    def _forget(self, connection: Connection) -> None:
        del self._connections[connection.session.id]
        self._unfinished.forget(connection)
        self._counts.closed(connection.interface)


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


class Unfinished:
    """The bytes of unfinished requests, counted now and then for each connection."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = 0

    @property
    def is_too_much(self) -> bool:
        """Whether all connections together hold too many bytes."""
        return self._bytes > limits.SESSIONS_UNFINISHED_BYTES_MAX

    def count(self, connection: Connection) -> None:
        """Count a connection's bytes again.

        This happens after each ``SESSION_GRANT_BYTES``, so each connection may hold as
        many uncounted bytes.
        """
        size = connection.conversation.unfinished_bytes
        self._bytes += size - connection.unfinished_bytes
        connection.unfinished_bytes = size

    def forget(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._bytes -= connection.unfinished_bytes
        connection.unfinished_bytes = 0

    def largest(self, connections: Iterable[Connection]) -> Connection | None:
        """Count all connections again; return the largest if they hold too much."""
        candidates = list(connections)
        for connection in candidates:
            self.count(connection)
        if not self.is_too_much:
            return None
        return max(candidates, key=lambda each: each.unfinished_bytes)
