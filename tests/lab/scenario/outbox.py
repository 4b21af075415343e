"""What a node has to send: one queue for all peers, in which any link can go first.

Messages for one peer arrive in order, unless the story says otherwise.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from random import Random

from ccfpy.base.ids import NodeId
from ccfpy.consensus.messages import Message
from ccfpy.consensus.ready import Send

_Numbered = tuple[int, Message]


class Outbox:
    """Messages that wait, oldest first."""

    __slots__ = ("_count", "_links", "_size")

    def __init__(self) -> None:
        self._links: dict[NodeId, deque[_Numbered]] = {}
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Send]:
        waiting = [
            (number, to, message)
            for to, link in self._links.items()
            for number, message in link
        ]
        for _, to, message in sorted(waiting, key=lambda item: item[0]):
            yield Send(to, message)

    @property
    def receivers(self) -> list[NodeId]:
        """Return the nodes that something waits for."""
        return [to for to, link in self._links.items() if link]

    def waiting(self, to: NodeId) -> int:
        """Return how many messages wait for a node."""
        return len(self._links.get(to, ()))

    def extend(self, sends: Iterable[Send]) -> None:
        """Add messages."""
        links = self._links
        for to, message in sends:
            link = links.get(to)
            if link is None:
                link = links[to] = deque()
            link.append((self._count, message))
            self._count += 1
            self._size += 1

    def popleft(self) -> Send:
        """Take the oldest message; there must be one."""
        to = min(self.receivers, key=lambda to: self._links[to][0][0])
        message = self.take(to)
        assert message is not None, "a receiver has something waiting"
        return Send(to, message)

    def oldest(self, to: NodeId) -> Message | None:
        """Return the oldest message for a node, which stays."""
        link = self._links.get(to)
        return link[0][1] if link else None

    def take(self, to: NodeId) -> Message | None:
        """Take the oldest message for a node."""
        link = self._links.get(to)
        if not link:
            return None
        self._size -= 1
        return link.popleft()[1]

    def postpone(self, to: NodeId) -> None:
        """Move the oldest message for a node behind all others for it."""
        message = self.take(to)
        if message is not None:
            self.extend([Send(to, message)])

    def shuffle(self, dice: Random) -> None:
        """Put all messages into another order."""
        sends = list(self)
        dice.shuffle(sends)
        self._links.clear()
        self._size = 0
        self.extend(sends)
