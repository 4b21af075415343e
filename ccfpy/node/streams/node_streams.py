"""The live streams of one node, as far as they share bounds."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccfpy.base import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import SessionId
    from ccfpy.endpoints.session import Session
    from ccfpy.node.streams.commit_feed import CommitFeed


@dataclass(slots=True)
class NodeStreams:
    """What all live streams of a node have in common.

    Attributes:
        feed: tells them what is committed.
        on_turn: called when a stream of a session has something to do.
        on_kept: called when a session begins to have streams of callers whom a policy
            has named, and when it has no more.
        open: how many there are.
        owned: the same, by whose they are.
        sessions: of how many connections.
        now_ms: the host's clock, as in the last tick.
        unsent_bytes: about how many bytes wait for the clients of all of them.
        unsent_of: the same, by whose connections they wait on.
    """

    feed: "CommitFeed"
    on_turn: "Callable[[Session], None]"
    on_kept: "Callable[[SessionId, bool], None]"
    open: int = 0
    owned: Counter[tuple[str, ...]] = field(default_factory=Counter)
    sessions: int = 0
    now_ms: int = 0
    unsent_bytes: int = 0
    unsent_of: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def has_room(self) -> bool:
        """Whether one more may be opened."""
        return self.open < limits.STREAMS_MAX

    def has_room_for(self, owner: tuple[str, ...]) -> bool:
        """Return whether one more of somebody's may be opened."""
        return self.has_room and self.owned[owner] < limits.STREAMS_PER_CALLER_MAX

    def opened(self, owner: tuple[str, ...]) -> None:
        """Count one more."""
        self.open += 1
        self.owned[owner] += 1

    def closed(self, owner: tuple[str, ...]) -> None:
        """Count one less."""
        self.open -= 1
        self.owned[owner] -= 1
        if not self.owned[owner]:
            del self.owned[owner]

    def count_unsent(self, owner: tuple[str, ...], more: int) -> None:
        """Count more bytes that wait for somebody, or less."""
        self.unsent_bytes += more
        self.unsent_of[owner] += more
        if not self.unsent_of[owner]:
            del self.unsent_of[owner]

    def is_too_much_of(self, owner: tuple[str, ...]) -> bool:
        """Return whether somebody leaves too much unread on all connections."""
        return self.unsent_of[owner] > limits.STREAMS_UNSENT_BYTES_PER_CALLER_MAX

    def holds_too_much(self, session_bytes: int) -> bool:
        """Return whether clients leave too much unread, and one of them its part of it.

        Those who read do not lose their streams by those who do not.

        Args:
            session_bytes: how many bytes wait for that client.
        """
        most = limits.STREAMS_UNSENT_BYTES_MAX
        return self.unsent_bytes > most and session_bytes > most // self.sessions
