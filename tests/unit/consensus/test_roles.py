"""The tables of roles."""

from ccfpy.consensus.roles import (
    LEADERSHIP_MOVES,
    RETIREMENT_MOVES,
    LeadershipState,
    RetirementPhase,
    is_legal_leadership,
    is_legal_retirement,
)


def test_every_role_has_its_row() -> None:
    assert set(LEADERSHIP_MOVES) == set(LeadershipState)
    assert set(RETIREMENT_MOVES) == {None, *RetirementPhase}


def test_nobody_leads_without_an_election_but_the_first() -> None:
    before = {
        a for a in LeadershipState if is_legal_leadership(a, LeadershipState.LEADER)
    }
    assert before == {LeadershipState.NONE, LeadershipState.CANDIDATE}
    assert not is_legal_leadership(LeadershipState.LEADER, LeadershipState.CANDIDATE)


def test_what_is_committed_is_not_taken_back() -> None:
    assert is_legal_retirement(RetirementPhase.SIGNED, RetirementPhase.ORDERED)
    assert not is_legal_retirement(RetirementPhase.COMPLETED, RetirementPhase.SIGNED)
    assert not any(
        is_legal_retirement(RetirementPhase.RETIRED_COMMITTED, phase)
        for phase in (None, *RetirementPhase)
    )
