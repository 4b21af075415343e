"""A node's retirement, phase by phase and back."""

import pytest

from ccfpy.consensus.roles import MembershipState, Retirement, RetirementPhase


def _completed() -> Retirement:
    retirement = Retirement()
    retirement.order(5)
    retirement.sign(6)
    retirement.commit(6)
    return retirement


def test_a_retirement_goes_through_every_phase() -> None:
    retirement = Retirement()
    seen = [(retirement.membership, retirement.phase, retirement.is_final)]
    for move, seqno in (
        (retirement.order, 5),
        (retirement.sign, 6),
        (retirement.commit, 6),
        (retirement.finish, 8),
    ):
        move(seqno)
        seen.append((retirement.membership, retirement.phase, retirement.is_final))
    assert seen == [
        (MembershipState.ACTIVE, None, False),
        (MembershipState.RETIRED, RetirementPhase.ORDERED, False),
        (MembershipState.RETIRED, RetirementPhase.SIGNED, False),
        (MembershipState.RETIRED, RetirementPhase.COMPLETED, False),
        (MembershipState.RETIRED, RetirementPhase.RETIRED_COMMITTED, True),
    ]
    assert retirement.committed_at == 8


def test_the_first_signature_counts() -> None:
    retirement = Retirement()
    retirement.sign(4)
    assert retirement.phase is None
    retirement.order(5)
    retirement.sign(6)
    retirement.sign(7)
    assert retirement.signed_at == 6


def test_a_commit_below_the_signature_completes_nothing() -> None:
    retirement = Retirement()
    retirement.commit(4)
    retirement.order(5)
    retirement.commit(5)
    retirement.sign(8)
    retirement.commit(7)
    assert retirement.phase is RetirementPhase.SIGNED


@pytest.mark.parametrize(
    ("to", "phase"),
    [
        (4, None),
        (5, RetirementPhase.ORDERED),
        (6, RetirementPhase.SIGNED),
    ],
)
def test_a_rollback_takes_back_what_it_reaches(
    to: int, phase: RetirementPhase | None
) -> None:
    retirement = Retirement()
    retirement.order(5)
    retirement.sign(6)
    retirement.rollback(to)
    assert retirement.phase is phase
    assert (retirement.ordered_at is None) == (phase is None)
    assert (retirement.signed_at is None) == (to < 6)


def test_a_rollback_leaves_what_is_committed() -> None:
    retirement = _completed()
    retirement.rollback(6)
    assert retirement.phase is RetirementPhase.COMPLETED


def test_a_node_that_left_leaves_no_second_time() -> None:
    retirement = _completed()
    retirement.order(9)
    assert (retirement.phase, retirement.ordered_at) == (RetirementPhase.COMPLETED, 5)
    retirement.finish(10)
    retirement.finish(11)
    retirement.order(12)
    assert retirement.phase is RetirementPhase.RETIRED_COMMITTED
    assert retirement.committed_at == 10


def test_a_committed_record_ends_a_retirement_in_whatever_phase_it_is() -> None:
    retirement = Retirement()
    retirement.finish(1)
    assert retirement.is_final
    retirement = Retirement()
    retirement.order(1)
    retirement.finish(2)
    assert retirement.is_final
    retirement.rollback(2)
    assert retirement.is_final
