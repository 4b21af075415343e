"""A proposal described for those who vote."""

import re
from dataclasses import replace

import pytest

from ccfpy.base.ids import ProposalId
from ccfpy.base.json import dumps
from ccfpy.client.governance import REJECT, bound_ballot, text_digest
from ccfpy.client.review.description import Description, Section
from ccfpy.client.review.proposal import (
    LISTED_RUNS_MAX,
    NoSuchProposal,
    describe,
    summaries,
    worth_running,
)
from ccfpy.client.review.public_state import PublicState
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from tests.attacks import attack
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    BOB,
    CAROL,
    PROPOSAL,
    RULES,
    USER,
    action,
    in_favour,
    public_state,
)
from tests.unit.client.review.misleading import CONDITIONAL

NAMES = {str(ALICE): "alice"}


def described(state: PublicState) -> dict[str, Section]:
    told: Description = describe(state, PROPOSAL, NAMES)
    assert told.title.startswith(f"Proposal {PROPOSAL}: ")
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
    assert rows_of(told["What decides it"]) == {
        "now": "1 against, 1 in favour; 1 member has not voted",
        "to pass": "1 more vote in favour, of alice (aaaaaaaa)",
        "to reject": "not rejected even if every other active member votes against",
    }
    passed = told["What would change"]
    assert rows_of(passed) == {}
    assert [diff.title for diff in passed.diffs] == [
        f"certificate of user {USER.digest_hex}: new",
        f"user {USER.digest_hex}: new",
    ]
    assert USER.subject in passed.diffs[0].lines[1]
    assert "the framework's own tables" in rows_of(told["Not known here"])


def test_members_are_in_the_order_of_their_names() -> None:
    names = {str(ALICE): "zoe", str(BOB): "yan", str(CAROL): "xia"}
    told = describe(public_state(ADDS_USER), PROPOSAL, names)
    votes = next(section for section in told.sections if section.title == "Votes")
    assert [fact.label[:3] for fact in votes.facts] == ["xia", "yan", "zoe"]
    decides = next(s for s in told.sections if s.title == "What decides it")
    assert rows_of(decides)["to pass"] == (
        "2 more votes in favour, for example of xia (cccccccc) and yan (bbbbbbbb)"
    )


def test_what_rejects_a_proposal_is_what_the_constitution_rejects() -> None:
    """It rejects after one vote against, whatever a majority is elsewhere."""
    rules = RULES.replace(
        "return 2 * inFavour > active.size",
        "if (votes.some((v) => !v.vote)) return 'Rejected'; "
        "return 2 * inFavour > active.size",
    )
    rows = rows_of(described(public_state(ADDS_USER, rules=rules))["What decides it"])
    assert rows["to reject"] == "1 more vote against, for example of alice (aaaaaaaa)"
    ballots = {BOB: REJECT}
    told = described(public_state(ADDS_USER, rules=rules, ballots=ballots))
    rows = rows_of(told["What decides it"])
    assert rows["decided"] == "the constitution says Rejected at the next vote"


def test_what_only_the_service_can_do_is_said_to_be_unknown() -> None:
    told = described(public_state(action("trigger_snapshot")))
    assert rows_of(told["What would change"])["the service would"] == "make a snapshot"
    assert (
        "whether the service can do"
        in rows_of(told["Not known here"])["what the service does itself"]
    )


def test_a_proposal_that_cannot_be_carried_out_says_why() -> None:
    told = described(
        public_state(
            action("set_user", cert="x"),
            ballots={BOB: REJECT, CAROL: REJECT, ALICE: "nonsense"},
        )
    )
    rows = rows_of(told["What decides it"])
    assert rows["now"].startswith("2 against, 0 in favour, 1 whose ballot fails")
    assert rows["to pass"].startswith("not accepted even if every other")
    rows = rows_of(told["What would change"])
    assert rows["invalid today"] == "the constitution refuses it"
    fact = next(it for it in told["What would change"].facts if "invalid" in it.label)
    assert [quote.by for quote in fact.quotes] == ["its words"]
    assert "valid X509 certificate" in fact.quotes[0].text
    assert "the ballot fails" in rows_of(told["Votes"])["alice (aaaaaaaa)"]


@attack("gov: a ballot that decides otherwise when it is counted again")
@pytest.mark.parametrize("state", [ProposalState.OPEN, ProposalState.ACCEPTED])
def test_a_ballot_that_is_a_script_is_shown_and_is_on_no_side(
    state: ProposalState,
) -> None:
    ballots = {BOB: CONDITIONAL, **in_favour(ALICE)}
    found = public_state(ADDS_USER, ballots=ballots, state=state)
    if state is not ProposalState.OPEN:
        tx = found.store.begin()
        info = proposals.INFO.of(tx).get(PROPOSAL)
        assert info is not None
        counted = replace(info, final_votes={ALICE: True, BOB: True})
        proposals.INFO.of(tx).put(PROPOSAL, counted)
        found.store.apply(2, tx.writes)
    told = describe(found, PROPOSAL, NAMES)
    assert [(vote.member_id, vote.in_favour) for vote in told.votes] == [(ALICE, True)]
    votes = next(section for section in told.sections if section.title == "Votes")
    fact = next(fact for fact in votes.facts if fact.label == "bbbbbbbb")
    assert fact.text.startswith("by a script that decides each time it is counted; ")
    assert fact.text.endswith(" yes")
    assert [quote.text for quote in fact.quotes] == [CONDITIONAL]
    assert "bbbbbbbb" not in str([it for it in votes.facts if it.text == "in favour"])


def test_scripts_are_counted_apart() -> None:
    ballots = {BOB: CONDITIONAL, **in_favour(ALICE)}
    told = described(public_state(ADDS_USER, ballots=ballots))
    assert rows_of(told["What decides it"])["decided"]
    assert rows_of(told["What decides it"])["now"] == (
        "0 against, 1 in favour, and of scripts that decide each time 1 say yes, 0 no; "
        "1 member has not voted"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("Math.random()", "shown here"),
        (
            "ccf.crypto.generateRsaKeyPair(2048).publicKey",
            "(1 in ⦅public:ccf.gov.made⦆) are not compared with what you read",
        ),
    ],
)
def test_what_is_made_at_random_is_said_to_be(made: str, told: str) -> None:
    table = "ccf.kv['public:ccf.gov.made']"
    writes = f"{table}.set(ccf.strToBuf('a'), ccf.strToBuf(String({made})));"
    begins = "export function apply(proposal, proposalId) {"
    rules = RULES.replace(begins, f"{begins} {writes}")
    state = public_state(ADDS_USER, rules=rules)
    rows = rows_of(described(state)["What would change"])
    assert rows["made at random"].endswith(told)
    assert "made at random" not in rows_of(
        described(public_state(ADDS_USER))["What would change"]
    )


def test_a_proposal_without_effect_changes_nothing() -> None:
    told = described(public_state(action("remove_user", user_id="0a" * 32)))
    assert not told["What would change"].diffs


def test_a_decided_proposal_is_not_run() -> None:
    state = public_state(
        ADDS_USER, ballots=in_favour(ALICE), state=ProposalState.ACCEPTED
    )
    told = described(state)
    assert set(told) == {"", "Actions", "Votes"}
    assert rows_of(told["Votes"]) == {
        "alice (aaaaaaaa)": "in favour",
        "bbbbbbbb": "did not vote",
        "cccccccc": "did not vote",
    }


def test_tables_that_are_not_served_are_named() -> None:
    state = public_state(ADDS_USER)
    state = PublicState(store=state.store, not_served=("public:ccf.gov.x",))
    text = rows_of(described(state)["Not known here"])["tables that are not served"]
    assert text.endswith("empty in the run here: public:ccf.gov.x")


def test_tables_that_changed_while_they_were_read_are_told() -> None:
    state = replace(public_state(ADDS_USER), has_moved=True)
    rows = rows_of(described(state)["Not known here"])
    assert "show the proposal once more" in rows["what changed meanwhile"]
    assert "what changed meanwhile" not in rows_of(
        described(public_state(ADDS_USER))["Not known here"]
    )


def test_a_list_says_proposer_and_actions() -> None:
    (summary,) = summaries(public_state(ADDS_USER, action("trigger_snapshot")))
    assert summary.proposal_id == PROPOSAL
    assert summary.info.proposer_id == ALICE
    assert summary.actions == ("set_user", "trigger_snapshot")
    assert summary.title == (
        "Add a user, or replace what is known of one; make a snapshot"
    )
    assert summary.created_at is None


def test_a_list_says_how_members_voted_without_running_their_ballots() -> None:
    body = dumps({"actions": [ADDS_USER]})
    other = "export function vote () { while (true) {} }"
    ballots = {ALICE: REJECT, BOB: bound_ballot(body), CAROL: other}
    (summary,) = summaries(public_state(ADDS_USER, ballots=ballots))
    assert summary.sides == {ALICE: False, BOB: True}


def test_a_title_names_what_a_run_found_to_be_worst() -> None:
    """Whatever the actions are called."""
    rules = RULES.replace("2 * inFavour > active.size", "inFavour > 0")
    assert rules != RULES
    alone = action("set_constitution", constitution=rules)
    told = describe(public_state(alone), PROPOSAL, {}).title
    first = "One member would decide alone; replace the rules"
    assert told.startswith(f"Proposal {PROPOSAL}: {first}")


def test_the_newest_that_put_much_at_stake_are_worth_running() -> None:
    (serious,) = summaries(public_state(action("set_constitution", constitution="x")))
    (routine,) = summaries(public_state(ADDS_USER))
    (unknown,) = summaries(public_state(action("nobody_knows")))
    closed = replace(serious, info=replace(serious.info, state=ProposalState.ACCEPTED))
    assert worth_running([routine, closed]) == ()
    listed = [
        replace(each, proposal_id=ProposalId(str(number)))
        for number, each in enumerate([serious, unknown, routine, serious, unknown])
    ]
    assert LISTED_RUNS_MAX == 3
    assert worth_running(listed) == ("1", "3", "4")


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
    assert summaries(state)[-1].created_at == 1_700_000_001


def test_a_proposal_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchProposal, match=re.escape("no proposal 00")):
        describe(public_state(), ProposalId("00" * 32), {})


UNREADABLE = (
    b'{"actions":[{"name":"set_constitution","args":{"constitution":"//\\ud800"}}]}',
    b'{"actions":[{"name":"set_constitution","args":{"constitution":""}}],"x":%s%s}'
    % (b"[" * 1100, b"]" * 1100),
    b'{"actions":[],"actions":[{"name":"remove_js_app","args":{}}]}',
)


@attack("gov: a proposal that the engine reads and members' tools do not")
@pytest.mark.parametrize("body", UNREADABLE, ids=("surrogate", "depth", "twice"))
def test_what_cannot_be_shown_is_said_so_and_is_no_proposal_without_actions(
    body: bytes,
) -> None:
    state = public_state(body=body)
    told = described(state)
    warning, signed, *others = told["Actions"].facts
    assert warning.label == "it cannot be shown"
    assert warning.is_warning
    assert "readers may differ" in warning.quotes[0].text
    assert signed.text == body.decode()
    assert others == []
    (summary,) = summaries(state)
    assert (summary.title, summary.actions) == ("It cannot be shown", ())
    assert told["What would change"].facts, "the engine has read it"
