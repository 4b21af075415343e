"""Nodes speak to each other over real sockets, and to those who are no nodes."""

import asyncio
import contextlib
import io
import socket
from collections.abc import Callable, Coroutine

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.base.limits import (
    PEER_BACKLOG_BYTES_MAX,
    PEER_FRAME_BYTES_MAX,
    PEERS_CONGESTED_BYTES_MAX,
    PEERS_INCOMING_MAX,
)
from ccfpy.boundary.events import Event, PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.host.connecting import Address
from ccfpy.host.log import Journal
from ccfpy.host.peers import HEADER_BYTES, Peers, frame_head
from tests.lab.ports import free_ports
from tests.unit.host import waiting
from tests.unit.host.waiting import wait_until

pytestmark = pytest.mark.usefixtures("each_loop")

A, B, C = (NodeId(letter * 64) for letter in "abc")
CHANNEL, CONSENSUS = PeerTraffic.CHANNEL, PeerTraffic.CONSENSUS


class _Node:
    """The peers of one node and the socket at which it listens."""

    def __init__(self, node: NodeId, source: Address | None = None) -> None:
        self.events: list[Event] = []
        self.out = io.BytesIO()
        self.peers = Peers(
            self.events.append,
            journal=Journal(self.out),
            timeout_s=5,
            source=source,
        )
        self.peers.name_self(node)
        self.bound = socket.create_server(("127.0.0.1", 0))
        self.server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return "{}:{}".format(*self.bound.getsockname())

    @property
    def log(self) -> str:
        return self.out.getvalue().decode()

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(self.peers.accept, sock=self.bound)

    async def wait_for(self, *payloads: bytes) -> None:
        await wait_until(lambda: self.payloads == list(payloads), f"{payloads}")

    @property
    def payloads(self) -> list[bytes]:
        return [item.payload for item in self.events if isinstance(item, PeerMessage)]

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        self.bound.close()
        self.peers.abort_all()
        await wait_until(lambda: not len(self.peers), "every connection's end")


def _run(story: Callable[[_Node, _Node], Coroutine[None, None, None]]) -> None:
    """Run a story of two nodes; a knows where b is, b knows nobody."""

    async def run() -> None:
        a, b = _Node(A), _Node(B)
        await a.listen()
        await b.listen()
        a.peers.set_peer(B, b.address)
        try:
            async with asyncio.timeout(120):
                await story(a, b)
        finally:
            try:
                await a.close()
            finally:
                await b.close()

    waiting.run(run())


async def _stranger(node: _Node) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*node.bound.getsockname())


def test_a_message_arrives_with_its_kind_and_sender() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"hello")
        a.peers.send(B, CONSENSUS, b"")
        await b.wait_for(b"hello", b"")
        assert b.events == [
            PeerMessage(kind=CHANNEL, sender=A, payload=b"hello"),
            PeerMessage(kind=CONSENSUS, sender=A, payload=b""),
        ]

    _run(story)


def test_a_node_that_knows_no_address_answers_by_the_others_connection() -> None:
    async def story(a: _Node, b: _Node) -> None:
        b.peers.send(A, CONSENSUS, b"lost")
        a.peers.send(B, CHANNEL, b"hello")
        await b.wait_for(b"hello")
        b.peers.send(A, CHANNEL, b"answer")
        await a.wait_for(b"answer")
        assert len(a.peers) == len(b.peers) == 1

    _run(story)


def test_a_node_that_knows_the_address_opens_its_own_connection() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"hello")
        await b.wait_for(b"hello")
        b.peers.set_peer(A, a.address)
        b.peers.send(A, CHANNEL, b"answer")
        await a.wait_for(b"answer")
        assert len(a.peers) == len(b.peers) == 2

    _run(story)


def test_a_node_whose_address_is_known_is_answered_by_no_other_way() -> None:
    async def story(a: _Node, b: _Node) -> None:
        unreachable = f"127.0.0.1:{free_ports()[0]}"
        a.peers.send(B, CHANNEL, b"hello")
        await b.wait_for(b"hello")
        b.peers.set_peer(A, unreachable)
        b.peers.send(A, CHANNEL, b"lost")
        await wait_until(lambda: "Failed to connect" in b.log, "a failure")
        b.peers.send(A, CHANNEL, b"lost")
        b.peers.set_peer(A, a.address)
        b.peers.send(A, CHANNEL, b"found")
        await a.wait_for(b"found")

    _run(story)


def test_a_liar_does_not_turn_aside_what_is_for_a_node_that_is_reached() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        reader, writer = await _stranger(a)
        writer.write(frame_head(CHANNEL, B, 3) + b"lie")
        await a.wait_for(b"lie")
        a.peers.send(B, CHANNEL, b"2")
        await b.wait_for(b"1", b"2")
        writer.close()
        assert await reader.read() == b""

    _run(story)


def test_a_connection_may_claim_another_sender() -> None:
    async def story(a: _Node, _: _Node) -> None:
        reader, writer = await _stranger(a)
        writer.write(frame_head(CHANNEL, C, 1) + b"c")
        await a.wait_for(b"c")
        writer.write(frame_head(CHANNEL, A, 1) + b"a")
        await a.wait_for(b"c", b"a")
        a.peers.send(C, CHANNEL, b"lost")
        a.peers.send(A, CHANNEL, b"?")
        assert await reader.readexactly(4 + HEADER_BYTES + 1) == (
            frame_head(CHANNEL, A, 1) + b"?"
        )
        writer.close()

    _run(story)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", bytes(4), b"\xff" * 4])
def test_whoever_sends_no_frame_is_closed_and_others_are_not(data: bytes) -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        reader, writer = await _stranger(b)
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        a.peers.send(B, CHANNEL, b"2")
        await b.wait_for(b"1", b"2")

    _run(story)


def test_a_node_that_comes_back_is_reached_again() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        b.peers.abort_all()
        await wait_until(lambda: not len(a.peers), "the loss")
        assert f"Lost the connection with node {B}" in a.log

        def arrives() -> bool:
            a.peers.send(B, CHANNEL, b"2")
            return b"2" in b.payloads

        await wait_until(arrives, "a message after the loss")

    _run(story)


def test_an_address_where_nobody_listens_is_tried_again_after_a_while() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.set_peer(C, "127.0.0.1:1")
        a.peers.send(C, CHANNEL, b"lost")
        await wait_until(lambda: f"Failed to connect to {C} on" in a.log, "failure")
        a.peers.send(C, CHANNEL, b"lost too, with its address")
        assert not len(a.peers)
        a.peers.set_peer(C, b.address)  # a new address needs no wait
        a.peers.send(C, CHANNEL, b"found")
        await b.wait_for(b"found")
        assert a.log.count("Failed to connect") == 1

    _run(story)


def test_what_is_sent_between_two_attempts_waits_for_the_next() -> None:
    async def story(a: _Node, _: _Node) -> None:
        late = _Node(C)
        late.bound.close()
        a.peers.set_peer(C, "{}:{}".format(*late_address))
        a.peers.send(C, CHANNEL, b"1")
        await wait_until(lambda: f"Failed to connect to {C} on" in a.log, "failure")
        a.peers.send(C, CHANNEL, b"2")
        late.bound = socket.create_server(late_address)
        await late.listen()
        await late.wait_for(b"1", b"2")
        await late.close()

    late_address = ("127.0.0.1", free_ports()[0])
    _run(story)


def test_an_address_that_is_none_kills_nobody() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.set_peer(C, "nonsense:port")
        a.peers.send(C, CHANNEL, b"lost")
        await wait_until(lambda: "Failed to connect" in a.log, "failure")
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")

    _run(story)


def test_a_forgotten_node_is_sent_what_it_was_owed_and_no_more() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        a.peers.send(B, CHANNEL, b"2")
        a.peers.forget_peer(B)
        a.peers.send(B, CHANNEL, b"3")
        a.peers.forget_peer(C)
        await wait_until(lambda: not len(b.peers), "the end")
        assert b.payloads == [b"1", b"2"]

    _run(story)


def test_a_node_may_be_forgotten_while_it_is_being_reached() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        a.peers.forget_peer(B)
        a.peers.set_peer(B, b.address)
        a.peers.send(B, CHANNEL, b"2")
        await b.wait_for(b"2")

    _run(story)


def test_connections_come_from_the_configured_address() -> None:
    async def run() -> None:
        node = _Node(A, Address("127.9.8.7", 0))
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            node.peers.set_peer(B, "{}:{}".format(*server.getsockname()))
            node.peers.send(B, CHANNEL, b"x")
            loop = asyncio.get_running_loop()
            connection, address = await loop.sock_accept(server)
            assert address[0] == "127.9.8.7"
            connection.close()
        await node.close()

    waiting.run(run())


def test_a_node_without_an_identity_sends_nothing() -> None:
    async def run() -> None:
        nobody = Peers(print, journal=Journal(io.BytesIO()), timeout_s=1)
        nobody.set_peer(B, "127.0.0.1:1")
        nobody.send(B, CHANNEL, b"x")
        assert not len(nobody)

    waiting.run(run())


@pytest.mark.slow
def test_a_message_too_large_for_a_frame_is_lost_and_said_so() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, bytes(PEER_FRAME_BYTES_MAX))
        assert "too large" in a.log
        largest = bytes(PEER_FRAME_BYTES_MAX - HEADER_BYTES)
        a.peers.send(B, CHANNEL, largest)
        await wait_until(lambda: len(b.events) == 1, "the largest message")
        assert b.payloads == [largest]

    _run(story)


def test_what_a_node_does_not_read_is_lost_beyond_the_bound() -> None:
    async def story(a: _Node, b: _Node) -> None:
        del b
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            a.peers.set_peer(C, "{}:{}".format(*deaf.getsockname()))
            chunk = bytes(1 << 20)
            for _ in range(PEER_BACKLOG_BYTES_MAX // len(chunk) + 1):
                a.peers.send(C, CHANNEL, chunk)  # before the connection is there
            assert f"Dropping messages to node {C}" in a.log
            await wait_until(lambda: "Added node" in a.log, "the connection")
            for _ in range(2 * PEER_BACKLOG_BYTES_MAX // len(chunk)):
                a.peers.send(C, CHANNEL, chunk)
            assert a.log.count("Dropping messages") == 2

    _run(story)


def test_a_connection_given_up_in_the_turn_it_came_about_is_forgotten() -> None:
    async def story(a: _Node, b: _Node) -> None:
        del b
        a.peers.send(B, CHANNEL, b"never sent")
        while not len(a.peers):  # noqa: ASYNC110 - seen before who awaits it sees it
            await asyncio.sleep(0)
        assert "Added node" not in a.log
        a.peers.forget_peer(B)
        await wait_until(lambda: not len(a.peers), "its end")

    _run(story)


def test_the_most_silent_connection_makes_room_for_a_new_one() -> None:
    async def story(a: _Node, b: _Node) -> None:
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        first_reader, first = await _stranger(b)
        strangers = [first]
        while len(b.peers) < PEERS_INCOMING_MAX:
            strangers.append((await _stranger(b))[1])
            await wait_until(lambda: len(b.peers) > len(strangers), "acceptance")
        a.peers.send(B, CHANNEL, b"2")
        await b.wait_for(b"1", b"2")
        strangers.append((await _stranger(b))[1])
        with contextlib.suppress(ConnectionResetError):
            assert await first_reader.read() == b""
        a.peers.send(B, CHANNEL, b"3")
        await b.wait_for(b"1", b"2", b"3")
        for stranger in strangers:
            stranger.close()

    _run(story)


def test_messages_that_never_end_are_bounded_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccfpy.host.peers.PEERS_PARTIAL_BYTES_MAX", 3000)

    async def story(a: _Node, b: _Node) -> None:
        strangers = [await _stranger(b) for _ in range(3)]
        await wait_until(lambda: len(b.peers) == 3, "three connections")
        for _, writer in strangers:
            writer.write(frame_head(CHANNEL, C, 5000) + bytes(1200))
        await wait_until(lambda: len(b.peers) == 2, "the one too many to end")
        for _, writer in strangers:
            writer.close()
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")

    _run(story)


def test_nodes_are_read_beyond_clients_and_then_held_up() -> None:
    async def story(a: _Node, b: _Node) -> None:
        b.peers.set_congested(is_congested=True)
        a.peers.send(B, CHANNEL, b"1")
        await b.wait_for(b"1")
        chunk = bytes(1 << 20)
        count = 3 * PEERS_CONGESTED_BYTES_MAX // len(chunk)
        for _ in range(count):
            a.peers.send(B, CONSENSUS, chunk)
        bound = PEERS_CONGESTED_BYTES_MAX // len(chunk)
        await wait_until(lambda: len(b.events) >= bound, "what the bound allows")
        reader, writer = await _stranger(b)
        writer.write(frame_head(CHANNEL, C, 1) + b"c")
        await wait_until(lambda: len(b.peers) == 2, "a connection meanwhile")
        assert len(b.events) <= bound + 2
        b.peers.set_congested(is_congested=False)
        await wait_until(lambda: len(b.events) == count + 2, "all of it")
        writer.close()
        del reader

    _run(story)
