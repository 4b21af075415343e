"""Client connections inside the enclave: the connections, their caps and their turns.

The host relays ciphertext; plaintext exists only here, in one `Connection` each. One
step serves a bounded number of connections and a bounded part of each; further
connections wait for the next step (`turns`). The node does not serve a connection whose
answers the host cannot send. The host reports how many bytes it has sent, and the node
reports how many of a client's bytes it has read, so that neither holds more of a client
than ``base.limits`` allows.
"""

from itertools import chain
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import CloseSession, KeepSession, ReadMore, SendData
from ccfpy.http.errors import ErrorCode, unavailable
from ccfpy.http.tls import HTTP_1_1, HTTP_2, ServerContext
from ccfpy.node.sessions.client import Client, InterfaceSessions, SessionCounts
from ccfpy.node.sessions.connection import Connection
from ccfpy.node.sessions.turns import Turns
from ccfpy.node.sessions.unfinished import Unfinished
from ccfpy.node.streams.node_streams import NodeStreams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccfpy.boundary.events import SessionData, SessionWritten
    from ccfpy.endpoints.session import Session
    from ccfpy.node.identity.certificates import PresentedCertificates
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.sessions.router import Router
    from ccfpy.node.streams.commit_feed import CommitFeed


class Sessions:
    """All connections of a node, by the host's number.

    Attributes:
        turns: whose turn it is.
        is_full: unfinished requests take up too much.
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
        # Of the work under way, should another thread go on with it: whose request is
        # answered, and all that has not begun.
        self._serving: Connection | None = None
        self._events: Iterator[SessionData] = iter(())
        self._group: Iterator[Connection] = iter(())
        self._answered: list[Connection] = []
        self._taken: Iterator[Connection] = iter(())
        self._ready: Iterator[Client] = iter(())
        self._leaving: Connection | None = None

    def open(self, session_id: SessionId, interface_name: str, peer: str) -> None:
        """Accept a connection, unless its interface is full or has no certificate.

        Args:
            session_id: the host's number for it.
            interface_name: of the interface that it came to.
            peer: the client's ``host:port``, as the host says.
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

    def data_alone(self, event: "SessionData") -> None:
        """Serve bytes of one client in a step that has nothing else to do.

        This is what ``data`` does. While nobody waits, no turn needs to be counted.
        It saves 2.9 % of the instructions of a write that is alone in its step.
        """
        connection = self._connections.get(event.session)
        if connection is None:
            return
        turns, data = self.turns, event.data
        if (
            turns.waiting
            or not connection.is_idle
            or len(data) > limits.SESSION_TURN_BYTES_MAX
        ):
            turns.renew()
            self.data([event])
            return
        self._serving = connection
        reply, ends = connection.turn(data, limits.STEP_REQUESTS_MAX)
        self._serving = None
        self._send(connection, reply, ends=ends)
        if connection.is_queued:
            # The connection has had the turn of this step: the rest waits.
            turns.renew()
            turns.turns_left -= 1

    def data(self, events: "list[SessionData]") -> None:
        """Serve bytes from clients; those of a session that has ended mean nothing.

        All go through one stage before the first goes through the next. No two stages
        fit into what a processor keeps at hand of code, but each of them nearly does,
        so that its code is fetched once for all. What a step has no time for waits for
        ``take_turns``.
        """
        turns = self.turns
        share = turns.share(len(events))
        group: list[Connection] = []
        self._events = rest = iter(events)
        for event in rest:
            connection = self._connections.get(event.session)
            if connection is None:
                continue
            if connection.has_spoken:
                # What it said before may be answered with the end of the session.
                self._events = chain((event,), rest)
                self._answer(group, share)
                self._events = rest
                group.clear()
                connection = self._connections.get(event.session)
                if connection is None:
                    continue
            if not connection.is_idle or turns.ready or not turns.turns_left:
                self._keep(connection, event)
                continue
            turns.turns_left -= 1
            data = event.data
            if len(data) > limits.SESSION_TURN_BYTES_MAX:
                data = connection.keep_rest(data)
            connection.hear(data)
            group.append(connection)
        self._answer(group, share)

    def _keep(self, connection: Connection, event: "SessionData") -> None:
        """Keep what came for a turn."""
        if connection.keep(event.data):
            self._review(connection)
        else:
            self._outbox.fail(
                f"The host passed on more than it may of session {event.session}"
            )
            self._send(connection, connection.dismiss(), ends=True)

    def _answer(self, group: list[Connection], share: int) -> None:
        """Serve what a group of clients said, up to the bytes for each of them."""
        for connection in group:
            connection.decrypt()
        for connection in group:
            connection.parse()
        answered = self._answered
        self._group = iter(group)
        try:
            for connection in self._group:
                self._serving = connection
                connection.serve(share)
                answered.append(connection)
            self._serving = None
        finally:
            # Who was answered before the node had to stop is told so.
            self._send_all(answered)

    def _send_all(self, answered: list[Connection]) -> None:
        for connection in answered:
            connection.write()
        for connection in answered:
            connection.encrypt()
        for connection in answered:
            data, ends = connection.take()
            self._send(connection, data, ends=ends)
        answered.clear()

    def go_on(self) -> None:
        """Go on where another thread was when it was left with a slow call.

        The request of that call is awaited now. What the thread had not begun waits for
        its turn.
        """
        self._abandon_leaving()
        answered, self._answered = self._answered, []
        connection, self._serving = self._serving, None
        if connection is not None:
            connection.leave()
            answered.append(connection)
        for connection in self._group:
            connection.serve(0)
            answered.append(connection)
        self._send_all(answered)
        for event in self._events:
            kept = self._connections.get(event.session)
            if kept is not None:
                self._keep(kept, event)
        for connection in self._taken:
            self._review(connection)
        self._settled.extend(self._ready)

    def _review(self, connection: Connection) -> None:
        """Queue a connection for its turn, if it wants one."""
        connection.is_idle = not connection.has_left
        if connection.wants_turn:
            self.turns.put(connection)

    def _has_news(self, session: "Session") -> None:
        """Queue the connection of a session, on which a live stream has news."""
        connection = self._connections.get(session.id)
        # The host may give a number again, to somebody else.
        if connection is not None and connection.session is session:
            self._review(connection)

    def _keep_session(self, session_id: SessionId, is_kept: bool) -> None:
        self._outbox.put(KeepSession(session=session_id, is_kept=is_kept))

    def take_turns(self, *, has_heard_all: bool) -> None:
        """Serve those whose turn it is at the end of a step, and make room.

        Args:
            has_heard_all: whether no event of the host is known to be behind this step.
        """
        turns = self.turns
        taken = turns.take(has_heard_all=has_heard_all)
        if taken:
            share = turns.share(len(taken))
            sent = 0
            self._taken = iter(taken)
            for connection in self._taken:
                if connection.has_ended:
                    continue
                if sent >= limits.STEP_REPLIES_BYTES_MAX:
                    turns.put(connection)
                    continue
                self._serving = connection
                reply, ends = connection.take_turn(share)
                self._serving = None
                sent += len(reply)
                self._send(connection, reply, ends=ends)
                if not ends:
                    self._review(connection)
        if self.is_full:
            self.is_full = False
            self._make_room()

    def written(self, event: "SessionWritten") -> None:
        """Note that the host has written answers to the client."""
        connection = self._connections.get(event.session)
        if connection is not None:
            connection.written(event.size)
            if not connection.is_idle:
                self._review(connection)

    def tick(self, monotonic_ms: int) -> None:
        """End the connections of clients that have stalled.

        Time in which nobody looked does not count beyond that of two looks: a node that
        slept cannot tell what its clients did.
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
        """Whether an awaited response came and waits to be sent."""
        return bool(self._settled)

    def resume(self) -> None:
        """Send the responses that came; the requests behind them wait for a turn.

        This is left for the end of a step: what settles a response may be in the midst
        of a transaction, and the next request must not begin inside of it.
        """
        while self._settled:
            ready = tuple(self._settled)
            self._settled.clear()
            self._ready = iter(ready)
            for client in self._ready:
                session = client.session
                connection = self._connections.get(session.id)
                # The host may give a number again, to somebody else.
                if connection is not None and connection.session is session:
                    self._serving = connection
                    reply, ends = connection.resume(1)
                    self._serving = None
                    self._send(connection, reply, ends=ends)
                    if not ends:
                        self._review(connection)

    def _send(self, connection: Connection, data: bytes, *, ends: bool) -> None:
        """End a turn: send its answers, and see what waits for another."""
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
        """Allow the host to read as much of a client as the node has taken."""
        granted = connection.grant_at - limits.SESSION_GRANT_BYTES
        size = connection.received - granted
        connection.grant_at += size
        self._outbox.put(ReadMore(session=connection.session.id, size=size))
        self._unfinished.count(connection)
        self.is_full = self.is_full or self._unfinished.is_too_much

    def _make_room(self) -> None:
        """End the connections with the largest unfinished requests."""
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

        What a client said before it left is done, if it is not more than one request;
        a protocol of the application's hears all of it, and the end.
        """
        connection = self._connections.get(session_id)
        if connection is None:
            return
        self._forget(connection)
        self._leaving = connection
        if connection.is_greeted:
            if connection.is_queued:
                connection.take_turn(1)
            if connection.conversation.hear_loss():
                connection.take_last_turns()
        self._abandon_leaving()

    def _abandon_leaving(self) -> None:
        """Abandon the connection whose client has gone, after its last turn.

        Another thread may do so that goes on while that turn is slow.
        """
        connection, self._leaving = self._leaving, None
        if connection is not None:
            connection.abandon()

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
