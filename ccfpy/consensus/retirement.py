"""A node's own retirement: its phase, and the seqnos that brought it there.

A node is retired when a configuration without it follows one with it. Identities are
never used again, so there is no way back but a rollback of what is not committed.
"""

from ccfpy.base.ids import Seqno
from ccfpy.consensus.roles import (
    MembershipState,
    RetirementPhase,
    is_legal_retirement,
)


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
