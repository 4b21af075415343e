"""A proposal described for those who vote."""

import re
from dataclasses import replace

import pytest

from ccfpy.base.ids import ProposalId
from ccfpy.base.json import dumps
from ccfpy.client.ballots import REJECT, text_digest
from ccfpy.client.review.description import Description, Section
from ccfpy.client.review.proposal import NoSuchProposal, describe, summaries
from ccfpy.client.review.public_state import PublicState
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    BOB,
    CAROL,
    PROPOSAL,
    USER,
    action,
    in_favour,
    public_state,
)

NAMES = {str(ALICE): "alice"}


def described(state: PublicState) -> dict[str, Section]:
    told: Description = describe(state, PROPOSAL, NAMES)
    assert told.title == f"Proposal {PROPOSAL}"
    return {section.title: section for section in told.sections}


def rows_of(section: Section) -> dict[str, str]:
    return {fact.label: fact.text for fact in section.facts}


def test_an_open_proposal_says_who_must_vote_and_what_changes() -> None:
    ballots = {**in_favour(BOB), CAROL: REJECT}
    told = described(public_state(ADDS_USER, ballots=ballots))
    assert rows_of(told[""]) == {
        "state": "Open",
        "proposed by": "alice (aaaaaaaa)",
        "SHA-256": text_digest(dumps({"actions": [ADDS_USER]})),
    }
    assert rows_of(told["Votes"]) == {
        "bbbbbbbb": "in favour",
        "cccccccc": "against",
        "alice (aaaaaaaa)": "has not voted",
    }
    passed = told["If it passed now"]
    assert rows_of(passed) == {
        "decision": "accepted with 1 more in favour, such as alice (aaaaaaaa)"
    }
    assert [diff.title for diff in passed.diffs] == [
        f"certificate of user {USER.digest_hex}: new",
        f"user {USER.digest_hex}: new",
    ]
    assert USER.subject in passed.diffs[0].lines[1]
    assert "tables of the framework" in rows_of(told["Not known here"])


def test_members_are_in_the_order_of_their_names() -> None:
    names = {str(ALICE): "zoe", str(BOB): "yan", str(CAROL): "xia"}
    told = describe(public_state(ADDS_USER), PROPOSAL, names)
    votes = next(section for section in told.sections if section.title == "Votes")
    assert [fact.label[:3] for fact in votes.facts] == ["xia", "yan", "zoe"]
    passed = next(s for s in told.sections if s.title == "If it passed now")
    assert "such as xia (cccccccc), yan (bbbbbbbb)" in passed.facts[0].text


def test_what_only_the_service_can_do_is_said_to_be_unknown() -> None:
    told = described(public_state(action("trigger_snapshot")))
    assert rows_of(told["If it passed now"])["the service would"] == "make a snapshot"
    assert "whether it can do" in rows_of(told["Not known here"])["the service"]


def test_a_proposal_that_cannot_be_carried_out_says_why() -> None:
    told = described(
        public_state(
            action("set_user", cert="x"),
            ballots={BOB: REJECT, CAROL: REJECT, ALICE: "nonsense"},
        )
    )
    rows = rows_of(told["If it passed now"])
    assert rows["decision"].startswith("not accepted even if every other")
    assert "valid X509 certificate" in rows["invalid today"]
    assert "the ballot fails" in rows_of(told["Votes"])["alice (aaaaaaaa)"]


def test_a_proposal_without_effect_changes_nothing() -> None:
    told = described(public_state(action("remove_user", user_id="0a" * 32)))
    assert rows_of(told["If it passed now"])["decision"]
    assert not told["If it passed now"].diffs


def test_a_decided_proposal_is_not_run() -> None:
    state = public_state(
        ADDS_USER, ballots=in_favour(ALICE), state=ProposalState.ACCEPTED
    )
    told = described(state)
    assert set(told) == {"", "Actions", "Votes"}
    assert rows_of(told["Votes"]) == {"alice (aaaaaaaa)": "no vote"}


def test_tables_that_are_not_served_are_named() -> None:
    state = public_state(ADDS_USER)
    state = PublicState(store=state.store, not_served=("public:ccf.gov.x",))
    text = rows_of(described(state)["Not known here"])["not served"]
    assert text.endswith("taken to be empty: public:ccf.gov.x")


def test_tables_that_changed_while_they_were_read_are_told() -> None:
    state = replace(public_state(ADDS_USER), has_moved=True)
    rows = rows_of(described(state)["Not known here"])
    assert "show the proposal once more" in rows["the tables"]
    assert "the tables" not in rows_of(
        described(public_state(ADDS_USER))["Not known here"]
    )


def test_a_list_says_proposer_and_actions() -> None:
    (summary,) = summaries(public_state(ADDS_USER, action("trigger_snapshot")))
    assert summary.proposal_id == PROPOSAL
    assert summary.info.proposer_id == ALICE
    assert summary.actions == ("set_user", "trigger_snapshot")


def test_the_newest_proposal_is_listed_last() -> None:
    state = public_state(ADDS_USER)
    older, newest = ProposalId("ff" * 32), ProposalId("01" * 32)
    tx = state.store.begin()
    for time, proposal_id in (("1700000001", newest), ("1700000000", older)):
        proposals.INFO.of(tx).put(proposal_id, ProposalInfo(proposer_id=ALICE))
        proposals.COSE_RECENT_PROPOSALS.of(tx).put(f"{time}:ab", proposal_id)
    state.store.apply(2, tx.writes)
    listed = [summary.proposal_id for summary in summaries(state)]
    assert listed == [PROPOSAL, older, newest]


def test_a_proposal_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchProposal, match=re.escape("no proposal 00")):
        describe(public_state(), ProposalId("00" * 32), {})
