"""The roles of a node, and the moves from one role to the next, as tables.

Leadership and membership are separate: a node that is being retired leads, follows or
campaigns as before, until every node that matters knows that its retirement is final.

A node's own retirement: its phase, and the seqnos that brought it there.

A node is retired when a configuration without it follows one with it. Identities are
never used again, so there is no way back but a rollback of what is not committed.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccfpy.base.ids import Seqno


class LeadershipState(StrEnum):
    """A node's part in replication (``include/ccf`` and ``/node/consensus`` names)."""

    NONE = "None"
    FOLLOWER = "Follower"
    PRE_VOTE_CANDIDATE = "PreVoteCandidate"
    CANDIDATE = "Candidate"
    LEADER = "Leader"


class MembershipState(StrEnum):
    """Whether the latest configuration this node was in still stands."""

    ACTIVE = "Active"
    RETIRED = "Retired"


class RetirementPhase(StrEnum):
    """How far a node's retirement has come.

    Each phase needs the phase before. The last phase is an exception: it is a record in
    the ledger, and a peer's record is judged and not asserted.

    Ordered: the log holds a configuration without the node. Signed: a signature covers
    it. Completed: that signature is committed. RetiredCommitted: that the retirement is
    complete is itself committed, so every future leader knows, and the node may stop.
    """

    ORDERED = "Ordered"
    SIGNED = "Signed"
    COMPLETED = "Completed"
    RETIRED_COMMITTED = "RetiredCommitted"


_NONE = LeadershipState.NONE
_FOLLOWER = LeadershipState.FOLLOWER
_POLLING = LeadershipState.PRE_VOTE_CANDIDATE
_CANDIDATE = LeadershipState.CANDIDATE
_LEADER = LeadershipState.LEADER

LEADERSHIP_MOVES: Mapping[LeadershipState, frozenset[LeadershipState]] = {
    _NONE: frozenset({_NONE, _FOLLOWER, _POLLING, _CANDIDATE, _LEADER}),
    _FOLLOWER: frozenset({_NONE, _FOLLOWER, _POLLING, _CANDIDATE}),
    _POLLING: frozenset({_FOLLOWER, _POLLING, _CANDIDATE}),
    _CANDIDATE: frozenset({_FOLLOWER, _POLLING, _CANDIDATE, _LEADER}),
    _LEADER: frozenset({_NONE, _FOLLOWER}),
}
"""Only the first node of a service goes from None to Leader, and nobody elects it."""

RETIREMENT_MOVES: Mapping[RetirementPhase | None, frozenset[RetirementPhase | None]] = {
    None: frozenset({RetirementPhase.ORDERED, RetirementPhase.RETIRED_COMMITTED}),
    RetirementPhase.ORDERED: frozenset(
        {None, RetirementPhase.SIGNED, RetirementPhase.RETIRED_COMMITTED}
    ),
    RetirementPhase.SIGNED: frozenset(
        {
            RetirementPhase.ORDERED,
            RetirementPhase.COMPLETED,
            RetirementPhase.RETIRED_COMMITTED,
        }
    ),
    RetirementPhase.COMPLETED: frozenset({RetirementPhase.RETIRED_COMMITTED}),
    RetirementPhase.RETIRED_COMMITTED: frozenset(),
}
"""A rollback takes back what is not committed, one phase at a time."""


def is_legal_leadership(before: LeadershipState, after: LeadershipState) -> bool:
    """Consult the table."""
    return after in LEADERSHIP_MOVES[before]


def is_legal_retirement(
    before: RetirementPhase | None, after: RetirementPhase | None
) -> bool:
    """Consult the table."""
    return after in RETIREMENT_MOVES[before]


class Retirement:
    """How far this node's retirement has come.

    Attributes:
        phase: ``None`` while the node is a member.
        ordered_at: the configuration that leaves the node out.
        signed_at: the first signature after it.
        committed_at: the commit that made the retirement known to be complete.
    """

    __slots__ = ("committed_at", "ordered_at", "phase", "signed_at")

    def __init__(self) -> None:
        self.phase: RetirementPhase | None = None
        self.ordered_at: Seqno | None = None
        self.signed_at: Seqno | None = None
        self.committed_at: Seqno | None = None

    @property
    def membership(self) -> MembershipState:
        """Whether the node is a member still."""
        if self.phase is None:
            return MembershipState.ACTIVE
        return MembershipState.RETIRED

    @property
    def is_final(self) -> bool:
        """Whether the node may stop: it leads, campaigns and replicates no more."""
        return self.phase is RetirementPhase.RETIRED_COMMITTED

    def order(self, at: Seqno) -> None:
        """Record the configuration that leaves this node out; the first counts."""
        if self.phase is None:
            self._move(RetirementPhase.ORDERED)
            self.ordered_at = at

    def sign(self, at: Seqno) -> None:
        """Record a signature; the first after the order counts."""
        if self.phase is RetirementPhase.ORDERED:
            self._move(RetirementPhase.SIGNED)
            self.signed_at = at

    def commit(self, to: Seqno) -> None:
        """Record a commit; one that reaches the signature completes the retirement."""
        if self.phase is RetirementPhase.SIGNED:
            assert self.signed_at is not None, "a signed retirement has its signature"
            if to >= self.signed_at:
                self._move(RetirementPhase.COMPLETED)

    def finish(self, at: Seqno) -> None:
        """Record that the completed retirement's own record is committed.

        What led there may lie before the snapshot that this node began with.
        """
        if self.phase is not RetirementPhase.RETIRED_COMMITTED:
            self._move(RetirementPhase.RETIRED_COMMITTED)
            self.committed_at = at

    def rollback(self, to: Seqno) -> None:
        """Undo what happened after ``to`` and is not committed."""
        if self.phase is RetirementPhase.SIGNED:
            assert self.signed_at is not None, "a signed retirement has its signature"
            if self.signed_at > to:
                self._move(RetirementPhase.ORDERED)
                self.signed_at = None
        if self.phase is RetirementPhase.ORDERED:
            assert self.ordered_at is not None, "an ordered retirement has its order"
            if self.ordered_at > to:
                self._move(None)
                self.ordered_at = None

    def _move(self, phase: RetirementPhase | None) -> None:
        assert is_legal_retirement(self.phase, phase), f"{self.phase} to {phase}"
        self.phase = phase
