"""What is around a simulated node: what its host was given, and who lives beyond."""

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import Effect, IdentityMade, Log, Stop
from ccfpy.testing.snapshot_folder import SnapshotFolder


class Timed(Protocol):
    """A node, as far as time passes for it."""

    def advance(self, ms: int) -> object:
        """Let time pass."""
        ...


Resident_contra = TypeVar("Resident_contra", contravariant=True)
"""The kind of node that lives there."""


@dataclass(slots=True)
class Recorded:
    """What a node's host was given.

    Attributes:
        sent: ciphertext by session.
        after: where the ledger begins: 0, or where a snapshot ends.
        entries: the ledger from there on, entry by entry.
        commit: the last seqno reported final.
    """

    effects: list[Effect] = field(default_factory=list)
    sent: dict[SessionId, bytearray] = field(default_factory=dict)
    closed: set[SessionId] = field(default_factory=set)
    after: int = 0
    entries: list[bytes] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    commit: int = 0
    snapshots: SnapshotFolder = field(default_factory=SnapshotFolder)
    identity: IdentityMade | None = None
    stop: Stop | None = None


class Outside(Protocol[Resident_contra]):
    """What is beyond a node's own host: other nodes, and time that passes for all."""

    def take(self, node: Resident_contra, effect: Effect) -> bool:
        """Do what ``node`` asks, if that is not for its host alone."""
        ...

    def settle(self) -> None:
        """Carry what is under way between nodes until nothing is."""
        ...

    def pass_time(self, node: Resident_contra, ms: int) -> None:
        """Let time pass for ``node`` and for whoever it lives with."""
        ...


class Alone:
    """Nothing: a node with no others."""

    def take(self, node: Timed, effect: Effect) -> bool:
        """Leave everything to the host."""
        del node, effect
        return False

    def settle(self) -> None:
        """Do nothing: nothing is under way."""

    def pass_time(self, node: Timed, ms: int) -> None:
        """Let time pass for the node."""
        node.advance(ms)
