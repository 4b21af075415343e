"""A member's first question: what waits for my vote?"""

from datetime import UTC, datetime

import pytest

from ccfpy.base.ids import MemberId
from ccfpy.client.governance import REJECT
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.inbox import inbox_of, outcomes_of, unread
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS, ProposalState
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    BOB,
    CAROL,
    PROPOSAL,
    in_favour,
    public_state,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _told(state: PublicState, signer_id: MemberId | None) -> tuple[str, str]:
    inbox = inbox_of(state, names={}, signer_id=signer_id, now=NOW)
    (row,) = inbox.proposals
    return inbox.headline, row.group


@pytest.mark.parametrize(
    ("signer_id", "told"),
    [
        (BOB, ("1 proposal waits for your vote", "yours to decide")),
        (ALICE, ("1 proposal is open, and you have voted", "open")),
        (None, ("1 proposal is open", "open")),
    ],
)
def test_an_open_proposal_waits_for_those_who_have_not_voted(
    signer_id: MemberId | None, told: tuple[str, str]
) -> None:
    assert _told(public_state(ADDS_USER, ballots=in_favour(ALICE)), signer_id) == told


@pytest.mark.parametrize(
    "state", [each for each in ProposalState if each is not ProposalState.OPEN]
)
def test_a_proposal_that_is_not_open_waits_for_nobody(state: ProposalState) -> None:
    told = _told(public_state(ADDS_USER, state=state), BOB)
    assert told == ("nothing waits for a vote", "decided")


def test_a_row_names_people_and_actions() -> None:
    state = public_state(ADDS_USER, ballots=in_favour(ALICE, BOB))
    inbox = inbox_of(state, names={ALICE: "alice"}, signer_id=None, now=NOW)
    (row,) = inbox.proposals
    assert (row.id, row.state, row.actions) == (PROPOSAL, "Open", ("set_user",))
    assert (row.proposer, row.voters) == ("alice", ("alice", BOB[:8]))
    assert inbox.trouble == ""
    assert row.title == "Add a user, or replace what is known of one"
    told = inbox_of(
        state, names={}, signer_id=None, now=NOW, titles={PROPOSAL: "as it was run"}
    )
    assert told.proposals[0].title == "as it was run"


def test_a_row_says_how_members_voted_and_when_it_was_proposed() -> None:
    ballots = {**in_favour(ALICE), BOB: REJECT, CAROL: "unknown"}
    state = public_state(ADDS_USER, ballots=ballots)
    tx = state.store.begin()
    COSE_RECENT_PROPOSALS.of(tx).put("1700000001:ab", PROPOSAL)
    state.store.apply(2, tx.writes)
    inbox = inbox_of(state, names={}, signer_id=None, now=NOW)
    (row,) = inbox.proposals
    assert row.sides == ("in favour", "against", "")
    assert row.at == 1_700_000_001_000


def test_a_service_that_was_not_read_has_no_empty_list() -> None:
    inbox = unread("refused", now=NOW)
    assert inbox.trouble == "refused"
    assert inbox.headline == "the service's proposals could not be read"


def test_what_outcomes_rest_on_has_another_digest_when_it_changes() -> None:
    """A member acknowledges, or another proposal closes; a vote changes nothing."""
    state = public_state(ADDS_USER)
    first = outcomes_of(state)
    assert outcomes_of(public_state(ADDS_USER, ballots=in_favour(BOB))) == first
    closed = public_state(ADDS_USER, state=ProposalState.ACCEPTED)
    assert outcomes_of(closed) != first
    tx = state.store.begin()
    members.INFO.of(tx).put(BOB, MemberInfo(status=MemberStatus.ACCEPTED))
    state.store.apply(2, tx.writes)
    assert outcomes_of(state) != first
