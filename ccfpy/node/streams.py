"""Committed transactions for the streams that follow maps.

A stream that follows maps is a *follower*. Followers that have received everything
share one index strategy, which looks up the followers of each map that a transaction
wrote. A follower that is behind has a place in a second strategy until it has caught
up: it asked for older transactions, or it reads them slowly. A transaction therefore
costs nothing if no stream follows its maps, and a slow stream neither delays another
one nor makes the node keep unread transactions.

`NodeStreams` counts a node's live streams, and bounds them.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from ccfpy.base import limits
from ccfpy.endpoints.call_shares import may_begin
from ccfpy.endpoints.index_strategies import Impatient, Index, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno, SessionId, TxId
    from ccfpy.endpoints.index_strategies import Indexing
    from ccfpy.endpoints.session import Session
    from ccfpy.endpoints.streams import StreamOwner
    from ccfpy.kv.changes import WriteSet


@final
class Follower:
    """A stream that is told what is committed.

    Attributes:
        maps: those that it follows.
        next: the first transaction that it was not told of, or later.
        is_lost: the node cannot have that transaction, so nothing more is told.
    """

    __slots__ = ("_news", "_news_bytes", "_tell", "is_lost", "maps", "next")

    def __init__(
        self, maps: frozenset[str], first: "Seqno", tell: "Callable[[], None]"
    ) -> None:
        """Begin to follow.

        Args:
            maps: those to follow.
            first: the first transaction to be told of.
            tell: called when something is there to be taken.
        """
        self.maps = maps
        self.next = first
        self.is_lost = False
        self._tell = tell
        self._news: deque[tuple[TxId, WriteSet]] = deque()
        self._news_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it must take something before it is told more."""
        return (
            len(self._news) >= limits.STREAM_NEWS_MAX
            or self._news_bytes > limits.STREAM_NEWS_BYTES_MAX
        )

    @property
    def has_news(self) -> bool:
        """Whether something is there to be taken."""
        return bool(self._news)

    def told(self, tx_id: "TxId", writes: "WriteSet") -> None:
        """Keep what a transaction changed in the maps that are followed."""
        if tx_id.seqno < self.next:
            return
        self.next = tx_id.seqno + 1
        maps = self.maps
        changed = {name: writes[name] for name in writes if name in maps}
        if changed:
            self._news.append((tx_id, changed))
            self._news_bytes += _size_of(changed)
            self._tell()

    def lose(self) -> None:
        """Note that what comes next cannot be had."""
        self.is_lost = True
        self._tell()

    def take(self) -> "list[tuple[TxId, WriteSet]]":
        """Return what there is, in order; each transaction once."""
        news = list(self._news)
        self._news.clear()
        self._news_bytes = 0
        return news


def _size_of(changed: "WriteSet") -> int:
    return sum(
        len(key) + len(value or b"")
        for entries in changed.values()
        for key, value in entries.items()
    )


@final
class _AtHead(Strategy):
    """The followers that know all that was told, by their maps."""

    def __init__(self, fall_behind: "Callable[[Follower], None]") -> None:
        self.name = "streams"
        self.next: Seqno = 1
        self._by_map: dict[str, dict[Follower, None]] = {}
        self._fall_behind = fall_behind

    @property
    def next_requested(self) -> "Seqno | None":
        """What comes next, if anybody follows."""
        return self.next if self._by_map else None

    def add(self, follower: Follower) -> None:
        """Add a follower."""
        for name in follower.maps:
            self._by_map.setdefault(name, {})[follower] = None

    def remove(self, follower: Follower) -> None:
        """Remove a follower, if it is here."""
        for name in follower.maps:
            followers = self._by_map.get(name)
            if followers is not None:
                followers.pop(follower, None)
                if not followers:
                    del self._by_map[name]

    def take(self, tx_id: "TxId", writes: "WriteSet") -> None:
        """Pass a transaction to the followers of its maps.

        A follower that has no more room is behind from now on.
        """
        self.next = tx_id.seqno + 1
        full: dict[Follower, None] = {}
        for name in writes:
            for follower in self._by_map.get(name, ()):
                follower.told(tx_id, writes)
                if follower.is_full:
                    full[follower] = None
        for follower in full:
            self.remove(follower)
            self._fall_behind(follower)


@final
class _Behind(Impatient):
    """The followers that do not know all that was told.

    One place of the ledger is read at a time, so followers take turns: the first that
    has room is told, and each other that is at the same place. After its turn, or when
    it has no more room, a follower goes to the end. So none waits longer than one turn
    of each of the others, however far behind they are.
    """

    def __init__(self, catch_up: "Callable[[Follower], None]") -> None:
        self.name = "streams that are behind"
        self._followers: dict[Follower, None] = {}
        self._told = 0
        self._catch_up = catch_up

    @property
    def next_requested(self) -> "Seqno | None":
        """What the follower whose turn it is does not know."""
        turn = self._in_turn()
        return None if turn is None else turn.next

    def _in_turn(self) -> Follower | None:
        return next((each for each in self._followers if not each.is_full), None)

    def __contains__(self, follower: object) -> bool:
        """Return whether a follower is here."""
        return follower in self._followers

    def add(self, follower: Follower) -> None:
        """Add a follower, which will be told what it missed."""
        self._followers[follower] = None

    def remove(self, follower: Follower) -> None:
        """Remove a follower, if it is here."""
        self._followers.pop(follower, None)

    def take(self, tx_id: "TxId", writes: "WriteSet") -> None:
        """Pass a transaction to the followers that miss it."""
        turn = self._in_turn()
        for follower in self._at(tx_id.seqno):
            follower.told(tx_id, writes)
            self._catch_up(follower)
            if follower.is_full:
                self._to_the_end(follower)
        self._told += 1
        if self._in_turn() is not turn:
            self._told = 0
        elif turn is not None and self._told >= limits.STREAM_TURN_ENTRIES:
            self._told = 0
            self._to_the_end(turn)

    def _at(self, seqno: "Seqno") -> list[Follower]:
        """List the followers that miss a transaction, and have room for it."""
        followers = self._followers
        return [each for each in followers if each.next == seqno and not each.is_full]

    def _to_the_end(self, follower: Follower) -> None:
        if follower in self._followers:
            del self._followers[follower]
            self._followers[follower] = None

    def give_up(self, seqno: "Seqno") -> bool:
        """Forget the followers that need a transaction which cannot be had.

        They would hold up the others: a node that joined by a snapshot may never have
        what was before it, and anybody may ask for that.
        """
        lost = [each for each in self._followers if each.next == seqno]
        for follower in lost:
            self.remove(follower)
            follower.lose()
        return bool(lost)


@final
class CommitFeed:
    """What tells the followers of one node.

    Args:
        indexing: of the node; it reads what is committed.
        committed: returns the last transaction that is committed.
        wake: makes the node look for work at the end of a step.
    """

    def __init__(
        self,
        indexing: "Indexing",
        *,
        committed: "Callable[[], Seqno]",
        wake: "Callable[[], None]",
    ) -> None:
        self._indexing = indexing
        self._committed = committed
        self._wake = wake
        self._behind = _Behind(self._catch_up)
        self._head = _AtHead(self._behind.add)
        self._installed: dict[Index[Strategy], Strategy] = {
            Index(): self._head,
            Index(): self._behind,
        }

    def follow(
        self, maps: frozenset[str], after: "Seqno | None", tell: "Callable[[], None]"
    ) -> Follower:
        """Return a follower of maps.

        Args:
            maps: those to follow.
            after: the last transaction that is known; ``None`` for the last one that is
                committed now.
            tell: called when something is there to be taken.

        Raises:
            LimitExceeded: the node has no place for one more strategy.
        """
        self._install()
        committed, head = self._committed(), self._head
        if head.next_requested is None:
            head.next = committed + 1
        first = (committed if after is None else max(after, 0)) + 1
        follower = Follower(maps, first, tell)
        if first >= head.next:
            head.add(follower)
        else:
            self._behind.add(follower)
        self._wake()
        return follower

    def leave(self, follower: Follower) -> None:
        """Forget a follower."""
        self._head.remove(follower)
        self._behind.remove(follower)

    def take(self, follower: Follower) -> "list[tuple[TxId, WriteSet]]":
        """Return what there is for a follower, which makes room for more."""
        news = follower.take()
        if news and follower in self._behind:
            self._catch_up(follower)  # else it would have a turn, and want nothing yet
            self._wake()
        return news

    def _install(self) -> None:
        indexing = self._indexing
        for index, strategy in self._installed.items():
            if indexing.strategy(index) is None:
                indexing.install(index, strategy)

    def _catch_up(self, follower: Follower) -> None:
        """Put a follower with the others if it knows what they know."""
        head = self._head
        known = head.next
        if head.next_requested is None:
            known = self._committed() + 1
        if follower.next >= known and not follower.is_full:
            self._behind.remove(follower)
            if head.next_requested is None:
                head.next = known
            head.add(follower)


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
