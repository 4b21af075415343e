"""Two or more nodes of a service whose host is the test."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.node.channels import Channels, ChannelSettings, Received
from ccfpy.testing.entropy import SeededEntropy

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Service:
    """A service's key and certificate."""

    key: KeyPair
    certificate: Certificate

    def endorse(self, node: KeyPair, seed: int = 0) -> Certificate:
        return certs.endorse_request(
            certs.certificate_request(node, subject="CN=Node", sans=("dNSName:node",)),
            issuer_key=self.key,
            issuer_cert=self.certificate,
            not_before=NEW_YEAR,
            validity_days=90,
            entropy=SeededEntropy(b"endorsement %d" % seed),
        )


@cache
def service_of(name: str, curve: Curve = Curve.SECP384R1) -> Service:
    key = KeyPair.generate(SeededEntropy(name.encode()), curve)
    certificate = certs.service_certificate(
        key,
        subject="CN=CCF Service",
        not_before=NEW_YEAR,
        validity_days=365,
        entropy=SeededEntropy(b"certificate"),
    )
    return Service(key, certificate)


@cache
def node_key(name: str, curve: Curve = Curve.SECP384R1) -> KeyPair:
    return KeyPair.generate(SeededEntropy(name.encode()), curve)


def id_of(key: KeyPair) -> NodeId:
    return NodeId(sha256_hex(key.public_key.der))


@dataclass(slots=True)
class Lines:
    """A log that remembers."""

    infos: list[str] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)

    def info(self, message: str, /) -> None:
        self.infos.append(message)

    def fail(self, message: str, /) -> None:
        self.fails.append(message)


@dataclass(slots=True, frozen=True)
class Frame:
    """A message between nodes, as the host sees it."""

    sender: NodeId
    to: NodeId
    kind: PeerTraffic
    payload: bytes


Lose: TypeAlias = Callable[[Frame], bool]


class Peer:
    """One node's channels, with what they sent, said and received."""

    def __init__(
        self,
        name: str,
        *,
        service: Service | None = None,
        curve: Curve = Curve.SECP384R1,
        settings: ChannelSettings | None = None,
    ) -> None:
        self.key = node_key(name, curve)
        self.id = id_of(self.key)
        self.service = service or service_of("service")
        self.log = Lines()
        self.out: deque[Frame] = deque()
        self.got: list[Received] = []
        self.channels = Channels(
            key=self.key,
            entropy=SeededEntropy(name.encode() + b" entropy"),
            send=self._send,
            log=self.log,
            now_ms=0,
            settings=settings,
        )
        self.channels.identify(
            service_certificate=self.service.certificate,
            node_certificate=self.service.endorse(self.key),
        )

    def _send(self, to: NodeId, kind: PeerTraffic, payload: bytes) -> None:
        self.out.append(Frame(self.id, to, kind, payload))

    def take(self) -> list[Frame]:
        """Take what was sent."""
        frames = list(self.out)
        self.out.clear()
        return frames

    def one(self) -> Frame:
        """Take the one message that was sent."""
        (frame,) = self.take()
        return frame

    def hear(self, frame: Frame) -> Received | None:
        """Receive a message as the host gives it."""
        received = self.channels.receive(frame.kind, frame.sender, frame.payload)
        if received is not None:
            self.got.append(received)
        return received


def deliver(*peers: Peer, lose: Lose = lambda _: False) -> None:
    """Carry messages between nodes, in order, until nothing is under way."""
    by_id = {peer.id: peer for peer in peers}
    while any(peer.out for peer in peers):
        for peer in peers:
            for frame in peer.take():
                if not lose(frame) and frame.to in by_id:
                    by_id[frame.to].hear(frame)


def establish(one: Peer, other: Peer) -> None:
    """Make ``one`` begin a channel and both complete it."""
    one.channels.send_authenticated(other.id, PROPOSE)
    deliver(one, other)
    assert one.channels.is_established(other.id)
    assert other.channels.is_established(one.id)
    one.got.clear()
    other.got.clear()
    one.log.infos.clear()
    other.log.infos.clear()


PROPOSE = (5).to_bytes(8, "little") + (7).to_bytes(8, "little")
"""A whole message of consensus: 16 bytes."""
APPEND = bytes(56) + b"\0"
"""An AppendEntries: 57 bytes."""
COMMAND = (4).to_bytes(8, "little") + bytes(17)
"""A forwarded command's header."""


@pytest.fixture
def low() -> Peer:
    """The node of the lower id."""
    return min(Peer("alice"), Peer("bob"), key=lambda peer: peer.id)


@pytest.fixture
def high() -> Peer:
    """The node of the higher id."""
    return max(Peer("alice"), Peer("bob"), key=lambda peer: peer.id)
