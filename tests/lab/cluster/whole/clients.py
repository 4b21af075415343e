"""The users of a simulated service: clients and a member, over plain HTTP, above TLS.

A request is one step of the node; its answer may come much later, or never. What
clients see is kept as a history, which the checker of consistency judges.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, SessionId, TxId
from ccfpy.base.json import Json
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.boundary.events import SessionClosed, SessionData, SessionOpened
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto import cose
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.response_parser import ResponseParser
from ccfpy.testing.configuration import START_UNIX_US, Person
from ccfpy.testing.node import GOV_VERSION
from tests.lab.cluster.whole.answers import IndexTold, PastTold, index_told, past_told
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.cluster.whole.world import World
from tests.lab.consistency.history import Answered, Event, GivenUp, Sent, StatusSeen
from tests.lab.invariants.violated import Violated

PLAIN_INTERFACE = "plain"
KEYS = ("a", "b", "c")
"""The objects that are written to."""
WAIT_MS = 2000
"""How long clients wait for the past."""
_OK = 200
_TX_ID = "x-ms-ccf-transaction-id"

Then = Callable[[Response | None], None]
"""Called with the answer, or with None if there will be none."""


@dataclass(slots=True, kw_only=True)
class _Connection:
    """One client's connection, with one request at a time."""

    client: str
    node: SimulatedNode
    session: SessionId
    parser: ResponseParser = field(default_factory=ResponseParser)
    then: Then | None = None


@dataclass(slots=True)
class Clients:
    """All clients of a run.

    Attributes:
        world: where the nodes are.
        member: who governs.
        events: what clients saw, in order.
        known: transactions that some client was told of.
        past: what nodes told of the ledger's past.
        indexes: what nodes told of their indexes.
        answers: statuses that governance requests got, by path; 0 where no answer came.
        later: what an answer causes, to be done once the step is over.
    """

    member: Person
    world: World = field(init=False)
    events: list[Event] = field(default_factory=list)
    known: dict[TxId, None] = field(default_factory=dict)
    past: list[PastTold] = field(default_factory=list)
    indexes: list[IndexTold] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    later: deque[Callable[[], None]] = field(default_factory=deque)
    _connections: dict[tuple[str, SessionId], _Connection] = field(default_factory=dict)
    _clients: int = 0
    _ops: int = 0
    _signed_at: int = START_UNIX_US // 1_000_000

    # What clients do

    @property
    def next_op(self) -> int:
        """The number of the next write or read."""
        return self._ops + 1

    def write(self, node: SimulatedNode, key: str) -> int:
        """Write to an object as some client, and return the write's number."""
        self._ops += 1
        op = self._ops
        body = json.dumps({"op": op})
        self._ask_about(node, key, op, "POST", body)
        return op

    def read(self, node: SimulatedNode, key: str) -> None:
        """Read an object as some client."""
        self._ops += 1
        self._ask_about(node, key, self._ops, "GET", b"")

    def ask_status(self, node: SimulatedNode, txid: TxId) -> None:
        """Ask as some client what became of a transaction."""
        connection = self._connection(node)
        client = connection.client

        def then(response: Response | None) -> None:
            if response is not None and response.status == _OK:
                status = TxStatus(str(json.loads_object(response.body)["status"]))
                self.events.append(
                    StatusSeen(
                        at_us=self._now_us(),
                        client=client,
                        node=node.name,
                        txid=txid,
                        status=status,
                    )
                )

        self._ask(connection, "GET", f"/app/tx?transaction_id={txid}", b"", {}, then)

    def ask_past(self, node: SimulatedNode, last: Seqno) -> None:
        """Ask as some client what some transactions wrote, and for the proofs."""

        def then(response: Response | None) -> None:
            if response is not None and response.status == _OK:
                self.past += past_told(node, last, response.body)

        path = f"/app/past/{last}?wait={WAIT_MS}"
        self._ask(self._connection(node), "GET", path, b"", {}, then)

    def ask_index(self, node: SimulatedNode, key: str) -> None:
        """Ask as some client which transactions wrote an object."""

        def then(response: Response | None) -> None:
            if response is not None and response.status == _OK:
                self.indexes.append(index_told(node, key, response.body))

        path = f"/app/writers/{key}"
        self._ask(self._connection(node), "GET", path, b"", {}, then)

    def _ask_about(
        self, node: SimulatedNode, key: str, op: int, method: str, body: bytes
    ) -> None:
        connection = self._connection(node)
        self.events.append(
            Sent(
                at_us=self._now_us(),
                client=connection.client,
                node=node.name,
                op=op,
                key=key,
                is_write=method == "POST",
            )
        )
        self._ask(
            connection,
            method,
            f"/app/objects/{key}",
            body,
            {"content-type": "application/json"},
            lambda response: self._answered(connection, op, response),
        )

    def _answered(
        self, connection: _Connection, op: int, response: Response | None
    ) -> None:
        at_us, client, name = self._now_us(), connection.client, connection.node.name
        if response is None or response.status != _OK or _TX_ID not in response.headers:
            if response is not None and b"Two states" in response.body:
                raise Violated("OneState", f"{name} read two states for {op}")
            reason = "no answer" if response is None else str(response.status)
            self.events.append(
                GivenUp(at_us=at_us, client=client, node=name, op=op, reason=reason)
            )
            return
        txid = TxId.parse(response.headers[_TX_ID])
        shown = json.loads_object(response.body)
        count, tail = shown["count"], shown["tail"]
        assert isinstance(count, int), shown
        assert isinstance(tail, list), shown
        self.known[txid] = None
        self.events.append(
            Answered(
                at_us=at_us,
                client=client,
                node=name,
                op=op,
                txid=txid,
                count=count,
                tail=tuple(op for op in tail if isinstance(op, int)),
            )
        )

    # What the member does

    def govern(
        self,
        node: SimulatedNode,
        path: str,
        kind: str,
        payload: Json = None,
        then: Then | None = None,
    ) -> None:
        """Send a signed governance request."""
        self._signed_at += 1
        protected: dict[cose.Label, object] = {
            cose.KID: self.member.id.encode(),
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": self._signed_at,
        }
        content = b"" if payload is None else json.dumps(payload)
        message = cose.sign(self.member.key, protected=protected, payload=content)

        def told(response: Response | None) -> None:
            self.answers.append((path, response.status if response else 0))
            if then is not None:
                then(response)

        self._ask(
            self._connection(node),
            "POST",
            f"/gov/{path}?api-version={GOV_VERSION}",
            message,
            {"content-type": "application/cose"},
            told,
        )

    def open_service(self, node: SimulatedNode) -> None:
        """Become an active member, and propose that the service open."""
        digests = f"members/state-digests/{self.member.id}"
        identity = node.identity
        assert identity is not None, "a node has booted"
        certificate = (identity.service_certificate or b"").decode()

        def acknowledge(response: Response | None) -> None:
            if response is None or response.status != _OK:
                return
            digest = json.loads_object(response.body)["stateDigest"]
            state: Json = {"stateDigest": digest}
            self.later.append(
                lambda: self.govern(node, f"{digests}:ack", "ack", state, propose)
            )

        def propose(_: Response | None) -> None:
            args: Json = {"next_service_identity": certificate}
            self.later.append(
                lambda: self.propose(node, "transition_service_to_open", args)
            )

        self.govern(node, f"{digests}:update", "state_digest", None, acknowledge)

    def go_on(self) -> None:
        """Do what answers caused."""
        while self.later:
            self.later.popleft()()

    def propose(self, node: SimulatedNode, action: str, args: Json = None) -> None:
        """Propose one action; the service's constitution accepts it at once."""
        proposed: dict[str, Json] = {"name": action}
        if args is not None:
            proposed["args"] = args
        actions: list[Json] = [proposed]
        self.govern(node, "members/proposals:create", "proposal", {"actions": actions})

    def delete_node(self, node: SimulatedNode, gone: SimulatedNode) -> None:
        """Ask that a node whose retirement is final be forgotten."""
        path = f"/node/network/nodes/{gone.id}"
        self._ask(
            self._connection(node),
            "DELETE",
            path,
            b"",
            {},
            lambda r: self.answers.append(("delete", r.status if r else 0)),
        )

    # Connections

    def take(self, node: SimulatedNode, effect: SendData | CloseSession) -> None:
        """Receive what a node sends to a client."""
        connection = self._connections.get((node.name, effect.session))
        if connection is None:
            return
        if isinstance(effect, SendData):
            try:
                responses = connection.parser.feed(effect.data)
            except CcfpyError as error:
                raise AssertionError(f"{node.name} speaks no HTTP: {error}") from error
            for response in responses:
                then, connection.then = connection.then, None
                assert then is not None, "an answer that nobody asked for"
                then(response)
        else:
            self._gone(connection)

    def hang_up(self, node: SimulatedNode) -> None:
        """Disconnect every client of a node."""
        for connection in list(self._connections.values()):
            if connection.node is node:
                self._gone(connection)
                if node.is_alive:
                    closed = SessionClosed(session=connection.session)
                    self.world.step(node, closed)

    def _gone(self, connection: _Connection) -> None:
        del self._connections[connection.node.name, connection.session]
        then, connection.then = connection.then, None
        if then is not None:
            then(None)

    def _connection(self, node: SimulatedNode) -> _Connection:
        """Return a connection to a node on which no answer is awaited."""
        for connection in self._connections.values():
            if connection.node is node and connection.then is None:
                return connection
        self._clients += 1
        connection = _Connection(
            client=f"client{self._clients}", node=node, session=node.next_session()
        )
        self._connections[node.name, connection.session] = connection
        self.world.step(
            node,
            SessionOpened(
                session=connection.session, interface=PLAIN_INTERFACE, peer="test:1"
            ),
        )
        return connection

    def _ask(
        self,
        connection: _Connection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        then: Then,
    ) -> None:
        target, _, query = path.partition("?")
        request = Request(
            method=method, path=target, query=query, headers=headers, body=body
        )
        connection.then = then
        data = SessionData(session=connection.session, data=serialise_request(request))
        self.world.step(connection.node, data)

    def _now_us(self) -> int:
        return 1000 * self.world.now_ms
