"""One of three nodes alone in this thread, and what it receives.

The service goes on without answers of that node. The messages to it are held back until
the caller asks for them.
"""

from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event, PeerMessage, SessionData
from ccfpy.boundary.wire import EFFECTS, EVENTS, HEADER_BYTES
from ccfpy.client.share import constitution
from ccfpy.enclave.application import load_application
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person

NODES = 3
_AT_ONCE = 16
_JOINED_MS = 300


class _HoldingBack(Network):
    """Nodes, one of which receives no messages from the others."""

    deaf: InProcessNode | None = None

    def __init__(self, member: Person) -> None:
        self._held: list[PeerMessage] = []
        scripts = (script.read_text() for script in constitution("default"))
        super().__init__(
            load_application("logging"),
            constitution="\n".join(scripts),
            members=[member],
        )

    def _step(self, node: InProcessNode, event: Event) -> None:
        if node is self.deaf and isinstance(event, PeerMessage):
            self._held.append(event)
        else:
            super()._step(node, event)

    def take_held(self) -> list[bytes]:
        """Return what was held back, a frame for each message."""
        held, self._held = self._held, []
        return [_body([message]) for message in held]


class _OneOfThree:
    """A node that receives no messages by itself."""

    def __init__(self, index: int) -> None:
        user, member = Person.make("user"), Person.make("member", can_recover=True)
        self._network = _HoldingBack(member)
        primary = self._network.start()
        primary.open_service(user)
        for _ in range(NODES - 1):
            joiner = self._network.join()
            self._network.advance(_JOINED_MS)
            primary.trust(joiner)
            self._network.wait_until_settled()
        self._primary = primary
        self._clients = [primary.connect(user) for _ in range(_AT_ONCE)]
        self._node = self._network.deaf = self._network.nodes[index]

    def hear(self, told: list[bytes]) -> list[Effect]:
        """Pass frames to the node; return its effects."""
        asked: list[Effect] = []
        for body in told:
            effects = self._node.trusted.step(EVENTS.decode(body))
            EFFECTS.encode(effects)
            asked += effects
        return asked

    def perform(self, asked: list[Effect]) -> None:
        """Carry out the node's effects, and pass its messages to the other nodes."""
        self._node.perform(asked)
        self._network.deliver()

    def catch_up(self) -> None:
        """Pass the remaining messages to the node."""
        self._network.deaf = None
        self._network.wait_until_settled()
        self._network.deaf = self._node

    @property
    def entry_count(self) -> int:
        """Return the number of entries at the node's host."""
        return len(self._node.host.entries)

    def _said(self, raw: bytes) -> list[SessionData]:
        return [SessionData(each.session, each.encrypt(raw)) for each in self._clients]

    def _read_answers(self) -> None:
        for each in self._clients:
            each.decrypt(bytes(self._primary.host.sent.pop(each.session)))


class Backup(_OneOfThree):
    """A backup, and the messages of its primary."""

    def __init__(self) -> None:
        super().__init__(-1)

    def told_of(self, requests: int, raw: bytes) -> list[bytes]:
        """Answer writes on the primary; return the frames for the backup.

        The writes fill messages, and are no more than a primary sends before it gets an
        answer.
        """
        for _ in range(requests // _AT_ONCE):
            self._primary.step(*self._said(raw))
            self._read_answers()
            self._network.deliver()
        return self._network.take_held()


class Primary(_OneOfThree):
    """The primary, the requests of its clients, and the answers of its backups."""

    def __init__(self) -> None:
        super().__init__(0)

    def asked_by_clients(self, requests: int, raw: bytes) -> list[bytes]:
        """Return the frames in which clients send so many writes."""
        return [_body(self._said(raw)) for _ in range(requests // _AT_ONCE)]

    def answered_by_backups(self, asked: list[Effect]) -> list[bytes]:
        """Carry out the primary's effects; return the frames of its backups' answers.

        No more than a primary sends before it gets an answer.
        """
        self.perform(asked)
        self._read_answers()
        return self._network.take_held()


def _body(events: list[SessionData] | list[PeerMessage]) -> bytes:
    return EVENTS.encode(events)[HEADER_BYTES:]
