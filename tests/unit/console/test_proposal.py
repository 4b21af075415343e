"""A proposal whole, and whether the one who reads it can vote."""

import hashlib
import json
from collections.abc import Mapping

import pytest

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.client.governance import ACCEPT, REJECT
from ccfpy.client.review.description import Topic
from ccfpy.client.review.proposal import NoSuchProposal
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.answers import Moment, OwnVote, ProposalPage
from ccfpy.console.proposal import body_of, page_of
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.proposals import ProposalState
from tests.attacks import attack
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    BOB,
    PROPOSAL,
    in_favour,
    public_state,
)
from tests.unit.console.told import ACCEPTED

STRANGER = MemberId("dd" * 32)


def _page(state: PublicState, signer_id: MemberId | None = BOB) -> ProposalPage:
    return page_of(state, PROPOSAL, names={}, signer_id=signer_id)


def test_the_digest_is_of_the_text_that_is_shown() -> None:
    state = public_state(ADDS_USER)
    page = _page(state)
    assert json.loads(page.text) == {"actions": [ADDS_USER]}
    assert page.digest == hashlib.sha256(page.text.encode()).hexdigest()
    assert page.text.encode() == body_of(state, PROPOSAL)
    topics = {section.topic for section in page.sections}
    assert topics == {*Topic}


def test_an_active_member_who_has_not_voted_may_vote() -> None:
    page = _page(public_state(ADDS_USER, ballots=in_favour(ALICE)))
    assert (page.may_vote, page.why_not) == (True, "")


@pytest.mark.parametrize(
    ("state", "signer_id", "why_not"),
    [
        (
            public_state(ADDS_USER),
            None,
            "nobody votes here: choose a key, or start the console with --as MEMBER",
        ),
        (
            public_state(ADDS_USER, state=ProposalState.ACCEPTED),
            BOB,
            "the proposal is Accepted: votes no longer count",
        ),
        (
            public_state(ADDS_USER, ballots=in_favour(BOB)),
            BOB,
            "you have voted, and a vote is final",
        ),
        (
            public_state(ADDS_USER),
            STRANGER,
            "your key is no member's of this service",
        ),
    ],
)
def test_who_cannot_vote_is_told_why(
    state: PublicState, signer_id: MemberId | None, why_not: str
) -> None:
    page = _page(state, signer_id)
    assert (page.may_vote, page.why_not) == (False, why_not)


def test_a_reader_who_has_voted_is_told_how_and_where() -> None:
    """A ballot that is none of this client's is a script: it is on no side."""
    own = "export function vote () { return 1 > 2 }"
    for ballot, side in ((REJECT, "against"), (ACCEPT, "in favour"), (own, "")):
        state = public_state(ADDS_USER, ballots={BOB: ballot})
        assert _page(state).own_vote == OwnVote(side=side, txid=None)
        assert _page(state, ALICE).own_vote is None
        assert _page(state, None).own_vote is None
    state = public_state(ADDS_USER, ballots={BOB: own})
    page = page_of(
        state, PROPOSAL, names={}, signer_id=BOB, story=ACCEPTED, moments=_by_sides
    )
    assert page.own_vote == OwnVote(side="", txid="2.14")
    assert [moment.what for moment in page.timeline] == []
    assert page.at == 1_000_000


def _by_sides(sides: Mapping[str, bool]) -> list[Moment]:
    return [Moment(what=f"{member} {vote}") for member, vote in sides.items()]


def test_a_page_is_titled_by_what_would_change() -> None:
    page = _page(public_state(ADDS_USER))
    assert page.title == "Add a user, or replace what is known of one"
    assert page.actions == ("set_user",)
    assert page.proposer == ALICE[:8]


def test_a_member_acknowledges_before_voting() -> None:
    state = public_state(ADDS_USER)
    tx = state.store.begin()
    members.INFO.of(tx).put(STRANGER, MemberInfo(status=MemberStatus.ACCEPTED))
    state.store.apply(2, tx.writes)
    assert _page(state, STRANGER).why_not == (
        "you are not active yet: acknowledge first, under Your key"
    )


def test_a_proposal_that_is_not_there_is_none() -> None:
    state, other = public_state(ADDS_USER), ProposalId("ab" * 32)
    with pytest.raises(NoSuchProposal):
        page_of(state, other, names={}, signer_id=None)
    with pytest.raises(NoSuchProposal):
        body_of(state, other)


def test_the_proposer_may_withdraw_what_is_open() -> None:
    assert _page(public_state(ADDS_USER), ALICE).may_withdraw
    assert not _page(public_state(ADDS_USER), BOB).may_withdraw
    decided = public_state(ADDS_USER, state=ProposalState.ACCEPTED)
    assert not _page(decided, ALICE).may_withdraw


@attack("gov: a proposal that the engine reads and members' tools do not")
def test_no_vote_is_offered_for_what_cannot_be_shown() -> None:
    page = _page(public_state(body=b'{"actions":[],"x":"\\ud800"}'))
    assert (page.title, page.may_vote) == ("It cannot be shown", False)
    assert "half a character" in page.why_not == page.not_shown
    assert page.may_withdraw is False
    assert _page(public_state(ADDS_USER)).not_shown == ""


def test_the_text_is_also_there_with_its_characters_marked() -> None:
    page = _page(public_state(body='{"actions":[],"x":"\u200b"}'.encode()))
    assert page.shown_text == '{"actions":[],"x":"⟦U+200B⟧"}'
    assert page.text == '{"actions":[],"x":"\u200b"}'
