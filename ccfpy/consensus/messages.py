"""The messages of consensus, and their bytes (``src/consensus/aft/raft_types.h``).

Each is a packed little-endian struct that begins with its kind as a ``u64``. They are
five one-way messages, not calls: any may be lost, repeated or late. A channel protects
them; the entries that travel behind an `AppendEntries` protect themselves.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.limits import VIEWS_MAX


class ElectionType(IntEnum):
    """Whether a vote is binding."""

    PRE_VOTE = 0
    REGULAR = 1


class RaftMessageType(IntEnum):
    """The first field of every message. Kind 2 was CCF's signed response: refused."""

    APPEND_ENTRIES = 0
    APPEND_ENTRIES_RESPONSE = 1
    REQUEST_VOTE = 3
    REQUEST_VOTE_RESPONSE = 4
    PROPOSE_REQUEST_VOTE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEntries:
    """A leader's claim about its log, and the entries between two of its points.

    Attributes:
        view: the leader's view.
        previous: the entry before the first that is sent.
        last: the last entry sent; equal to ``previous`` in a heartbeat. All entries of
            one message are of one view, ``last.view``.
        leader_commit: how far the leader knows the log to be final.
    """

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<7QB")

    view: View
    previous: TxId
    last: TxId
    leader_commit: Seqno

    @property
    def has_entries(self) -> bool:
        """Whether it carries anything."""
        return self.last.seqno > self.previous.seqno

    def encode(self) -> bytes:
        """Return the packed struct; its last byte is a flag that is always clear."""
        return self.LAYOUT.pack(
            RaftMessageType.APPEND_ENTRIES,
            self.last.seqno,
            self.previous.seqno,
            self.view,
            self.previous.view,
            self.leader_commit,
            self.last.view,
            0,
        )

    @classmethod
    def decode(cls, data: bytes) -> "AppendEntries":
        """Read the struct's fields.

        Raises:
            Malformed: a view is beyond the last, or the entries are of a view that
                neither follows the one before them nor is the leader's at most.
        """
        _, last, previous, view, previous_view, commit, last_view, _ = (
            cls.LAYOUT.unpack(data)
        )
        _check_views(view, previous_view, last_view)
        if last > previous and not max(previous_view, 1) <= last_view <= view:
            raise Malformed(
                f"entries of view {last_view} after one of {previous_view}, from a "
                f"leader of {view}"
            )
        return cls(
            view=view,
            previous=TxId(previous_view, previous),
            last=TxId(last_view, last),
            leader_commit=commit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEntriesResponse:
    """A backup's answer.

    Attributes:
        position: when successful, the backup's view and the last seqno of the message
            it answers: what it verified, not what it holds. If that is a heartbeat from
            before the backup's commit, the commit. When not successful, the best point
            at which both logs may still agree, perhaps of an old view.
        is_success: whether the backup now agrees with the message.
    """

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<3QB")

    position: TxId
    is_success: bool

    def encode(self) -> bytes:
        """Return the packed struct, in which 0 means success."""
        return self.LAYOUT.pack(
            RaftMessageType.APPEND_ENTRIES_RESPONSE, *self.position, not self.is_success
        )

    @classmethod
    def decode(cls, data: bytes) -> "AppendEntriesResponse":
        """Read the struct's fields.

        Raises:
            Malformed: a field has a value that it cannot have.
        """
        _, view, seqno, failed = cls.LAYOUT.unpack(data)
        _check_views(view)
        return cls(position=TxId(view, seqno), is_success=not _flag(failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVote:
    """A candidate's plea; ``last`` is its last *committable* entry."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<4QI")

    view: View
    last: TxId
    election: ElectionType

    def encode(self) -> bytes:
        """Return the packed struct."""
        return self.LAYOUT.pack(
            RaftMessageType.REQUEST_VOTE,
            self.view,
            self.last.seqno,
            self.last.view,
            self.election,
        )

    @classmethod
    def decode(cls, data: bytes) -> "RequestVote":
        """Read the struct's fields.

        Raises:
            Malformed: a field has a value that it cannot have.
        """
        _, view, last, last_view, election = cls.LAYOUT.unpack(data)
        _check_views(view, last_view)
        return cls(view=view, last=TxId(last_view, last), election=_election(election))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVoteResponse:
    """A vote, in the voter's view."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<2QBI")

    view: View
    is_granted: bool
    election: ElectionType

    def encode(self) -> bytes:
        """Return the packed struct."""
        return self.LAYOUT.pack(
            RaftMessageType.REQUEST_VOTE_RESPONSE,
            self.view,
            self.is_granted,
            self.election,
        )

    @classmethod
    def decode(cls, data: bytes) -> "RequestVoteResponse":
        """Read the struct's fields.

        Raises:
            Malformed: a field has a value that it cannot have.
        """
        _, view, granted, election = cls.LAYOUT.unpack(data)
        _check_views(view)
        return cls(view=view, is_granted=_flag(granted), election=_election(election))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRequestVote:
    """A retired leader's hint to its successor: stand for election now."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<2Q")

    view: View

    def encode(self) -> bytes:
        """Return the packed struct."""
        return self.LAYOUT.pack(RaftMessageType.PROPOSE_REQUEST_VOTE, self.view)

    @classmethod
    def decode(cls, data: bytes) -> "ProposeRequestVote":
        """Read the struct's fields.

        Raises:
            Malformed: the view is beyond the last.
        """
        _, view = cls.LAYOUT.unpack(data)
        _check_views(view)
        return cls(view=view)


Message: TypeAlias = (
    AppendEntries
    | AppendEntriesResponse
    | RequestVote
    | RequestVoteResponse
    | ProposeRequestVote
)

_TYPES: dict[int, type[Message]] = {
    RaftMessageType.APPEND_ENTRIES: AppendEntries,
    RaftMessageType.APPEND_ENTRIES_RESPONSE: AppendEntriesResponse,
    RaftMessageType.REQUEST_VOTE: RequestVote,
    RaftMessageType.REQUEST_VOTE_RESPONSE: RequestVoteResponse,
    RaftMessageType.PROPOSE_REQUEST_VOTE: ProposeRequestVote,
}


def header_bytes(data: bytes) -> int:
    """Return the length of the message that ``data`` begins with; entries may follow.

    Raises:
        Malformed: the kind is unknown.
    """
    return _type_of(data).LAYOUT.size


def decode(data: bytes) -> Message:
    """Read one message.

    Raises:
        Malformed: the kind is unknown, the length is not the kind's, or a field has a
            value that it cannot have.
    """
    message = _type_of(data)
    if len(data) != message.LAYOUT.size:
        raise Malformed(
            f"{message.__name__} has {message.LAYOUT.size} bytes, not {len(data)}"
        )
    return message.decode(data)


def _type_of(data: bytes) -> type[Message]:
    kind = int.from_bytes(data[:8], "little")
    message = _TYPES.get(kind)
    if message is None or len(data) < 8:  # noqa: PLR2004 - the kind is eight bytes
        raise Malformed(f"not a consensus message: kind {kind}, {len(data)} bytes")
    return message


def _check_views(*views: View) -> None:
    """Refuse a view beyond the last: where each view began is kept, also empty ones."""
    if max(views) > VIEWS_MAX:
        raise Malformed(f"a view of {max(views)}, where {VIEWS_MAX} is the last")


def _flag(value: int) -> bool:
    if value not in (0, 1):
        raise Malformed(f"neither 0 nor 1: {value}")
    return value == 1


def _election(value: int) -> ElectionType:
    try:
        return ElectionType(value)
    except ValueError as error:
        raise Malformed(f"no type of election: {value}") from error
