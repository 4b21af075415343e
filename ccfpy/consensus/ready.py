"""What the node must do for consensus after each input, and in which order.

The order is the safety argument. The node performs a `Ready` wholly before it gives the
next input, field by field from the top:

1. ``rollback_to``: the store, the Merkle tree and the ledger forget what follows. An
   `AppendEntries` for entries that are gone is never sent.
2. ``messages``, in their order. What a message names was handed to the ledger before:
   an entry is written before the `AppendEntries` that carries it and before the
   response that vouches for it. Both go through one channel to the host, in order, so
   "handed over" is enough; nothing waits for the disk.
3. ``commit_to``: the store compacts, receipts may be issued, and clients learn of the
   commit. The ledger's file may be closed at this seqno.
4. ``offer``: the node verifies and applies these entries, one after another, and passes
   the result to `Raft.accept` before any other input.

View and vote are missing here, because they are not stored. A node that stops never
comes back under its identity, so it cannot vote twice or write twice in one view; were
this to change, both must be durable before ``messages`` is sent.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from ccfpy.base.ids import NodeId, Seqno, View
from ccfpy.consensus.messages import AppendEntries, Message

_NOBODY: Final[frozenset[NodeId]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """What consensus knows of a signature, or of an entry that changes nodes.

    Attributes:
        size: its length in bytes, to fill messages well.
        is_committable: whether it is a signature.
        trusted: nodes that it makes part of the service.
        retired: nodes that it removes from it.
        retired_committed: nodes whose completed retirement it records.
    """

    size: int
    is_committable: bool = False
    trusted: frozenset[NodeId] = _NOBODY
    retired: frozenset[NodeId] = _NOBODY
    retired_committed: frozenset[NodeId] = _NOBODY


class Send(NamedTuple):
    """A message for another node."""

    to: NodeId
    message: Message


class OfferedEntries(NamedTuple):
    """Entries that a leader sent, to be verified and applied here.

    Attributes:
        leader: who sent them.
        message: the message they came with.
        first: the first that this node does not have; the last is ``message.last``.
    """

    leader: NodeId
    message: AppendEntries
    first: Seqno

    @property
    def view(self) -> View:
        """The view in which every one of them must have been written."""
        return self.message.last.view

    @property
    def entry_count(self) -> int:
        """How many they are."""
        return self.message.last.seqno - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What to do now; see the module's text for the order.

    Attributes:
        rollback_to: the last entry that stays, when some do not.
        messages: what to send.
        commit_to: a signature that is final now.
        offer: entries to verify, apply and `Raft.accept`.
        is_cleanup_due: this node leads, and nodes whose retirement is complete may be
            recorded as such.
    """

    rollback_to: Seqno | None = None
    messages: tuple[Send, ...] = ()
    commit_to: Seqno | None = None
    offer: OfferedEntries | None = None
    is_cleanup_due: bool = False


NOTHING: Final = Ready()
"""What most inputs ask: nothing."""


class ReadyBuilder:
    """Gathers a `Ready` while one input is handled."""

    __slots__ = ("commit_to", "is_cleanup_due", "messages", "offer", "rollback_to")

    def __init__(self) -> None:
        self.rollback_to: Seqno | None = None
        self.messages: list[Send] = []
        self.commit_to: Seqno | None = None
        self.offer: OfferedEntries | None = None
        self.is_cleanup_due = False

    def take(self) -> Ready:
        """Return the `Ready` that was gathered, and start the next one."""
        if not (
            self.messages
            or self.commit_to is not None
            or self.offer is not None
            or self.rollback_to is not None
            or self.is_cleanup_due
        ):
            return NOTHING
        ready = Ready(
            rollback_to=self.rollback_to,
            messages=tuple(self.messages),
            commit_to=self.commit_to,
            offer=self.offer,
            is_cleanup_due=self.is_cleanup_due,
        )
        self.rollback_to = None
        self.messages = []
        self.commit_to = None
        self.offer = None
        self.is_cleanup_due = False
        return ready
