from typing import TYPE_CHECKING

import pytest

from ccfpy.base.json import dumps
from ccfpy.client.governance import (
    ACCEPT,
    REJECT,
    bound_ballot,
    side_of,
    text_digest,
)
from ccfpy.client.review.dry_run import Outcome, dry_run
from ccfpy.crypto.hashing import sha256
from ccfpy.gov.proposals import Proposal
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    BOB,
    PROPOSAL,
    action,
    public_state,
)

if TYPE_CHECKING:
    from ccfpy.base.ids import MemberId

READ = dumps({"actions": [ADDS_USER]})
IN_WORDS = '{"actions": [{"name": "set_user_data", "args": {"user_id": "é€😀"}}]}'


def outcome(text: bytes, *ballots: str) -> Outcome:
    """Count ballots over a text under the default constitution."""
    cast: dict[MemberId, str] = dict(zip((ALICE, BOB), ballots, strict=False))
    info = ProposalInfo(proposer_id=ALICE, ballots=cast)
    proposal = Proposal(proposal_id=PROPOSAL, body=text, info=info)
    return dry_run(public_state().store, proposal)


@pytest.mark.parametrize(
    "text",
    [READ, IN_WORDS.encode(), b'{"actions": []}\r\n', b'{"actions":[],"a":"\xff"}'],
    ids=["JSON", "beyond ASCII", "line ends", "no UTF-8"],
)
def test_a_bound_ballot_says_yes_to_what_was_read(text: bytes) -> None:
    ballot = bound_ballot(text)
    found = outcome(text, ballot, ballot)
    assert (found.votes, found.failures) == ({ALICE: True, BOB: True}, {})
    assert found.state is ProposalState.ACCEPTED


@pytest.mark.parametrize(
    "shown",
    [
        dumps({"actions": [action("remove_js_app")]}),
        READ + b" ",
        READ.replace(b"clerk", b"Clerk"),
        dumps({"actions": []}),
        b"",
    ],
    ids=["other actions", "one space more", "one letter", "no actions", "nothing"],
)
def test_for_other_bytes_it_counts_as_no(shown: bytes) -> None:
    ballot = bound_ballot(shown)
    found = outcome(READ, ballot, ballot)
    assert (found.votes, found.failures) == ({ALICE: False, BOB: False}, {})
    assert found.state is ProposalState.OPEN
    assert outcome(READ, ballot, ACCEPT).state is ProposalState.OPEN


def test_a_ballot_against_is_no_for_every_text() -> None:
    assert bound_ballot(READ, approve=False) == REJECT
    assert outcome(READ, REJECT).votes == {ALICE: False}


def test_the_same_text_gives_the_same_ballot() -> None:
    assert bound_ballot(READ) == bound_ballot(READ)
    assert text_digest(READ) in bound_ballot(READ)


def test_the_digest_is_that_of_the_file_where_it_is_text() -> None:
    assert text_digest(READ) == sha256(READ).hex()
    assert text_digest(b"\xff") == sha256("\ufffd".encode()).hex()


def test_a_ballot_that_this_client_makes_is_known_without_a_run() -> None:
    assert side_of(ACCEPT, READ) is True
    assert side_of(REJECT, READ) is False
    assert side_of(bound_ballot(READ), READ) is True
    assert side_of(bound_ballot(READ), READ + b" ") is None, "bound to other bytes"
    assert side_of(f"{ACCEPT} ", READ) is None
