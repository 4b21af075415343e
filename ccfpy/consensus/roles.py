"""The roles of a node, and the moves from one role to the next, as tables.

Leadership and membership are separate: a node that is being retired leads, follows or
campaigns as before, until every node that matters knows that its retirement is final.
"""

from collections.abc import Mapping
from enum import StrEnum


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
