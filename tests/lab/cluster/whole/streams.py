"""Connections of nodes to nodes: streams that keep their order and lose nothing.

They stall while a link is cut, and break when a node at an end is gone.
"""

from collections import deque
from typing import Protocol

from ccfpy.base.ids import CallId, NodeId, SessionId, View
from ccfpy.boundary.effects import (
    CloseSession,
    Effect,
    EndCall,
    OpenCall,
    SendCall,
    SendData,
)
from ccfpy.boundary.events import (
    CallData,
    CallEnded,
    CallOpened,
    Event,
    SessionClosed,
    SessionData,
    SessionOpened,
)
from tests.lab.cluster.faults import Faults
from tests.lab.cluster.whole.host import SimulatedNode

TLS_INTERFACE = "tls"

_Wire = tuple[str, CallId]
"""A connection: the name of the node that made it, and that node's number for it."""


class Surroundings(Protocol):
    """Where connections are (`tests.lab.cluster.whole.world`)."""

    nodes: list[SimulatedNode]
    faults: Faults

    @property
    def view(self) -> View:
        """The newest view that any node knows."""

    def node(self, name: str) -> SimulatedNode | None:
        """Return a node by its name."""

    def step(self, node: SimulatedNode, *events: Event) -> None:
        """Pass events to a node."""


class Streams:
    """All connections between the nodes of a world."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._said: deque[tuple[SimulatedNode, Effect]] = deque()
        self._sessions: dict[_Wire, tuple[SimulatedNode, SessionId]] = {}
        self._calls: dict[tuple[str, SessionId], tuple[SimulatedNode, CallId]] = {}

    def has(self, node: SimulatedNode, session: SessionId) -> bool:
        """Return whether a node opened a session."""
        return (node.name, session) in self._calls

    def put(self, node: SimulatedNode, effect: Effect) -> None:
        """Write a node's bytes to a connection."""
        self._said.append((node, effect))

    def break_all(self, node: SimulatedNode) -> None:
        """End the connections of a node that is gone."""
        world = self._world
        for (name, call), (server, session) in list(self._sessions.items()):
            caller = world.node(name)
            assert caller is not None, "nodes are never forgotten"
            if server is node:
                self._forget(caller, call)
                world.step(caller, CallEnded(call=call, reason="connection reset"))
            elif caller is node:
                self._forget(caller, call)
                world.step(server, SessionClosed(session=session))

    def carry(self) -> None:
        """Deliver what was sent on connections whose links are open both ways."""
        stalled: deque[tuple[SimulatedNode, Effect]] = deque()
        while self._said:
            node, effect = self._said.popleft()
            other = self._other_end(node, effect)
            if other is not None and not self._is_open(node, other):
                stalled.append((node, effect))
            else:
                self._carry(node, effect)
        self._said = stalled

    def _is_open(self, one: SimulatedNode, other: SimulatedNode) -> bool:
        here, there = NodeId(one.name), NodeId(other.name)
        faults = self._world.faults
        return (
            one.is_alive
            and (here, there) not in faults.lost
            and (there, here) not in faults.lost
            and faults.is_open((here, there), self._world.view)
            and faults.is_open((there, here), self._world.view)
        )

    def _other_end(self, node: SimulatedNode, effect: Effect) -> SimulatedNode | None:
        match effect:
            case OpenCall():
                found = [n for n in self._world.nodes if _serves(n, effect.address)]
                return found[0] if found and found[0].is_alive else None
            case SendCall() | EndCall():
                server = self._sessions.get((node.name, effect.call))
                return server[0] if server else None
            case SendData() | CloseSession():
                caller = self._calls.get((node.name, effect.session))
                return caller[0] if caller else None
            case _:
                raise AssertionError(f"{effect} belongs to no connection")

    def _carry(self, node: SimulatedNode, effect: Effect) -> None:
        match effect:
            case OpenCall():
                self._connect(node, effect)
            case SendCall() | EndCall():
                self._to_server(node, effect)
            case SendData() | CloseSession():
                self._to_caller(node, effect)
            case _:
                raise AssertionError(f"{effect} belongs to no connection")

    def _connect(self, caller: SimulatedNode, effect: OpenCall) -> None:
        server = self._other_end(caller, effect)
        if server is None:
            refused = CallEnded(call=effect.call, reason="connection refused")
            self._world.step(caller, refused)
            return
        session = server.next_session()
        self._sessions[caller.name, effect.call] = server, session
        self._calls[server.name, session] = caller, effect.call
        opened = SessionOpened(session=session, interface=TLS_INTERFACE, peer="node:1")
        self._world.step(server, opened)
        self._world.step(caller, CallOpened(call=effect.call))

    def _to_server(self, caller: SimulatedNode, effect: SendCall | EndCall) -> None:
        found = self._sessions.get((caller.name, effect.call))
        if found is None:
            return
        server, session = found
        if isinstance(effect, SendCall):
            self._world.step(server, SessionData(session=session, data=effect.data))
        else:
            self._forget(caller, effect.call)
            self._world.step(server, SessionClosed(session=session))

    def _to_caller(
        self, server: SimulatedNode, effect: SendData | CloseSession
    ) -> None:
        found = self._calls.get((server.name, effect.session))
        if found is None:
            return
        caller, call = found
        if isinstance(effect, SendData):
            self._world.step(caller, CallData(call=call, data=effect.data))
        else:
            self._forget(caller, call)
            self._world.step(caller, CallEnded(call=call))

    def _forget(self, caller: SimulatedNode, call: CallId) -> None:
        server, session = self._sessions.pop((caller.name, call))
        del self._calls[server.name, session]


def _serves(node: SimulatedNode, address: str) -> bool:
    return any(
        interface.name == TLS_INTERFACE and interface.published_address == address
        for interface in node.boot.configuration.rpc_interfaces
    )
