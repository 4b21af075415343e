"""The live streams of one node, as far as they share bounds."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.endpoints.call_shares import may_begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import SessionId
    from ccfpy.endpoints.session import Session
    from ccfpy.endpoints.streams import StreamOwner
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
        strangers: how many of them are of callers whom no policy has named.
        sessions: of how many connections.
        now_ms: the host's clock, as in the last tick.
        unsent_bytes: about how many bytes wait for the clients of all of them.
        unsent_of: the same, by whose connections they wait on.
    """

    feed: "CommitFeed"
    on_turn: "Callable[[Session], None]"
    on_kept: "Callable[[SessionId, bool], None]"
    open: int = 0
    owned: Counter["StreamOwner"] = field(default_factory=Counter)
    strangers: int = 0
    sessions: int = 0
    now_ms: int = 0
    unsent_bytes: int = 0
    unsent_of: Counter["StreamOwner"] = field(default_factory=Counter)

    @property
    def has_room(self) -> bool:
        """Whether one more may be opened."""
        return self.open < limits.STREAMS_MAX

    def has_room_for(self, owner: "StreamOwner") -> bool:
        """Return whether one more of somebody's may be opened.

        All strangers together have as many places as one caller, and share them as
        callers share the places of slow calls.
        """
        own, most = self.owned[owner], limits.STREAMS_PER_CALLER_MAX
        if not self.has_room:
            return False
        if owner.is_stranger:
            return may_begin(own, most - self.strangers)
        return own < most

    def opened(self, owner: "StreamOwner") -> None:
        """Count one more."""
        self.open += 1
        self.strangers += owner.is_stranger
        self.owned[owner] += 1

    def closed(self, owner: "StreamOwner") -> None:
        """Count one less."""
        self.open -= 1
        self.strangers -= owner.is_stranger
        self.owned[owner] -= 1
        if not self.owned[owner]:
            del self.owned[owner]

    def count_unsent(self, owner: "StreamOwner", more: int) -> None:
        """Count more bytes that wait for somebody, or less."""
        self.unsent_bytes += more
        self.unsent_of[owner] += more
        if not self.unsent_of[owner]:
            del self.unsent_of[owner]

    def is_too_much_of(self, owner: "StreamOwner") -> bool:
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
