"""Counts the messages between nodes: real nodes, channels and ledgers in one thread.

The counts depend on no clock and on no machine, so they are the same everywhere.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self

from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import Effect, SendEntries, SendToPeer
from ccfpy.client.share import constitution
from ccfpy.enclave.application import load_application
from ccfpy.host.peers import HEADER_BYTES, SIZE_BYTES
from ccfpy.http.messages import Request, serialise_request
from ccfpy.testing.configuration import Person
from ccfpy.testing.network import Network
from ccfpy.testing.node import Client, InProcessNode

USER = Person.make("user")
MEMBERS = (Person.make("member", can_recover=True),)
MESSAGE_BYTES = 100
IDLE_MS = 10_000
BATCH = 100
BATCHES = 20
BATCH_MS = 10
SINGLE_WRITES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The messages between the nodes of a network during some period.

    Attributes:
        messages: the number of frames on connections between nodes.
        sent_bytes: the bytes of these frames, with frames' heads, without TCP's and
            IP's.
        entries: the entries that were added to the ledger meanwhile.
        entry_bytes: the bytes of these entries.
        writes: the writes of users among the entries.
    """

    messages: int
    sent_bytes: int
    entries: int
    entry_bytes: int
    writes: int = 0


class CountingNetwork(Network):
    """A network that counts the messages that its nodes send to each other."""

    messages = 0
    sent_bytes = 0

    def take(self, node: InProcessNode, effect: Effect) -> bool:
        """Count a message, and carry the message as any network does."""
        match effect:
            case SendToPeer():
                self._count(len(effect.payload))
            case SendEntries():
                after = node.host.after
                entries = node.host.entries[
                    effect.first - after - 1 : effect.last - after
                ]
                self._count(len(effect.header) + sum(map(len, entries)))
            case _:
                pass
        return super().take(node, effect)

    def _count(self, payload_bytes: int) -> None:
        self.messages += 1
        self.sent_bytes += SIZE_BYTES + HEADER_BYTES + payload_bytes

    @classmethod
    def opened(cls, nodes: int) -> Self:
        """Begin a service of the logging app on this number of nodes, and open it."""
        scripts = [path.read_text() for path in constitution("default")]
        network = cls(
            load_application("logging"),
            constitution="\n".join(scripts),
            members=MEMBERS,
            configure=signing_early,
        )
        network.start()
        for _ in range(nodes - 1):
            network.wait_until_settled(network.join())
        network.nodes[0].open_service(USER)
        network.wait_until_settled()
        return network


def signing_early(configuration: NodeConfiguration) -> NodeConfiguration:
    """Sign as a sandbox does: soon if nodes have little to sign, otherwise every 100
    ms."""
    signatures = replace(configuration.ledger_signatures, early=True, delay_ms=100)
    return replace(configuration, ledger_signatures=signatures)


class _Count:
    """Return a count of the messages from here on."""

    def __init__(self, network: CountingNetwork) -> None:
        self._network = network
        self._messages, self._bytes = network.messages, network.sent_bytes
        self._entries = len(network.nodes[0].host.entries)

    def said(self, writes: int = 0) -> Said:
        entries = self._network.nodes[0].host.entries[self._entries :]
        return Said(
            messages=self._network.messages - self._messages,
            sent_bytes=self._network.sent_bytes - self._bytes,
            entries=len(entries),
            entry_bytes=sum(map(len, entries)),
            writes=writes,
        )


def at_rest(network: CountingNetwork) -> Said:
    """Count ten seconds in which nothing happens."""
    count = _Count(network)
    network.advance(IDLE_MS)
    return count.said()


def one_by_one(network: CountingNetwork) -> Said:
    """Count writes, each of which is committed before the next one begins."""
    client = network.nodes[0].connect(USER)
    count = _Count(network)
    for _ in range(SINGLE_WRITES):
        _write(client, 1)
        network.wait_until_settled()
    return count.said(SINGLE_WRITES)


def in_batches(network: CountingNetwork) -> Said:
    """Count writes, a hundred at a time every 10 ms, until all are committed."""
    client = network.nodes[0].connect(USER)
    count = _Count(network)
    for _ in range(BATCHES):
        _write(client, BATCH)
        network.advance(BATCH_MS)
    network.wait_until_settled()
    return count.said(BATCH * BATCHES)


def _write(client: Client, count: int) -> None:
    body = b'{"id": 1, "msg": "%b"}' % (b"x" * MESSAGE_BYTES)
    request = Request(
        method="POST",
        path="/app/log/private",
        headers={"host": "service", "content-type": "application/json"},
        body=body,
    )
    answers = client.send(serialise_request(request) * count)
    assert [answer.status for answer in answers] == [HTTPStatus.OK] * count, answers
