"""Proposals and ballots as classic clients make and read them, wrong ones too."""

import json
from hashlib import sha256

import pytest

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.crypto import cose
from ccfpy.gov.classic.proposal_endpoints import (
    ClassicProposalSummary,
    details,
    summary,
)
from ccfpy.service.records import form_of
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import Failure, ProposalInfo, ProposalState
from ccfpy.service.tables.service import CONSTITUTION
from tests.unit.gov.classic.conftest import UNKNOWN, Classic, error_of, value_of


def test_a_new_proposal_is_summed_up_and_named_as_in_the_versioned_api(
    classic: Classic,
) -> None:
    version = classic.governed.store.version
    reply = classic.post("/proposals", "proposal", classic.proposal())
    tx = classic.governed.begin()
    envelope = tables.COSE_HISTORY.of(tx).get(classic.member_id(0))
    assert envelope is not None
    request = sha256(cose.parse(envelope).signature).digest()
    root = sha256(b"root %d" % version).digest()
    assert value_of(reply) == {
        "proposal_id": sha256(root + request).hexdigest(),
        "proposer_id": classic.member_id(0),
        "state": "Open",
        "ballot_count": 0,
    }
    assert reply.headers["content-type"] == "application/json"
    assert "x-ms-ccf-transaction-id" in reply.headers


def test_a_majority_accepts_and_all_is_told(classic: Classic) -> None:
    name = classic.propose()
    first = value_of(classic.vote(name, by=0))
    assert (first["state"], first["ballot_count"]) == ("Open", 1)
    assert "votes" not in first
    second = value_of(classic.vote(name, by=1))
    votes = {classic.member_id(0): True, classic.member_id(1): True}
    # Clients that unpack the whole answer do not know any other field.
    assert second == {
        "proposal_id": name,
        "proposer_id": classic.member_id(0),
        "state": "Accepted",
        "ballot_count": 2,
        "votes": votes,
    }
    source = "export function vote (...known) { return true }"
    assert value_of(classic.get(f"/proposals/{name}")) == {
        "proposer_id": classic.member_id(0),
        "state": "Accepted",
        "ballots": dict.fromkeys(votes, source),
        "final_votes": votes,
    }
    data = value_of(classic.get("/members"))[classic.member_id(2)]
    assert isinstance(data, dict)
    assert data["member_data"] == {"note": "x"}


def test_a_ballot_knows_the_proposal_its_proposer_and_its_id(classic: Classic) -> None:
    name = classic.propose()
    proposal = json.dumps(json.dumps(classic.proposal()))
    known = f"[{proposal}, '{classic.member_id(0)}', '{name}']"
    ballot = f"return JSON.stringify(known) === JSON.stringify({known})"
    assert value_of(classic.vote(name, ballot=ballot))["state"] == "Open"
    assert value_of(classic.vote(name, by=1))["state"] == "Accepted"


def test_what_one_api_began_the_other_ends(classic: Classic) -> None:
    name = classic.propose()
    classic.vote(name, by=0)
    versioned = json.loads(classic.governed.vote(name, by=1).body)
    assert versioned["proposalState"] == "Accepted"
    assert value_of(classic.get(f"/proposals/{name}"))["state"] == "Accepted"


def test_only_open_proposals_are_listed(classic: Classic) -> None:
    assert value_of(classic.get("/proposals")) == {}
    kept, decided = classic.propose(value=1), classic.propose(value=2)
    for by in (0, 1):
        classic.vote(decided, by=by)
    listed = value_of(classic.get("/proposals"))
    info = {"proposer_id": classic.member_id(0), "state": "Open", "ballots": {}}
    assert listed == {kept: info}


def test_actions_are_given_byte_for_byte(classic: Classic) -> None:
    text = json.dumps(classic.proposal(), indent=3).encode()
    reply = classic.post("/proposals", "proposal", text)
    name = value_of(reply)["proposal_id"]
    given = classic.get(f"/proposals/{name}/actions")
    assert (given.body, given.headers["content-type"]) == (text, "application/json")


def test_a_ballot_is_given_as_its_source(classic: Classic) -> None:
    name = classic.propose()
    classic.vote(name, by=1, ballot="return false")
    given = classic.get(f"/proposals/{name}/ballots/{classic.member_id(1)}")
    source = "export function vote (...known) { return false }"
    assert value_of(given) == {"ballot": source}
    other = classic.member_id(0)
    assert error_of(classic.get(f"/proposals/{name}/ballots/{other}")) == (
        404,
        "VoteNotFound",
        f"Member m[{other}] has not voted for proposal {name}.",
    )


@pytest.mark.parametrize("rest", ["", "/actions", "/ballots/x"])
def test_of_an_unknown_proposal_nothing_is_told(classic: Classic, rest: str) -> None:
    assert error_of(classic.get(f"/proposals/{UNKNOWN}{rest}")) == (
        404,
        "ProposalNotFound",
        f"Proposal {UNKNOWN} does not exist.",
    )


def test_a_withdrawn_proposal_is_described_without_its_name(classic: Classic) -> None:
    name = classic.propose()
    reply = classic.post(f"/proposals/{name}/withdraw", "withdrawal", about=name)
    assert value_of(reply) == {
        "proposer_id": classic.member_id(0),
        "state": "Withdrawn",
        "ballots": {},
    }
    history = tables.COSE_HISTORY.of(classic.governed.begin())
    assert history.get(classic.member_id(0)) is not None


def test_who_cannot_withdraw_is_told_why(classic: Classic) -> None:
    def withdraw(name: str, *, by: int = 0) -> tuple[int, str, str]:
        path = f"/proposals/{name}/withdraw"
        return error_of(classic.post(path, "withdrawal", by=by, about=name))

    name = classic.propose()
    assert withdraw(UNKNOWN) == (
        400,
        "ProposalNotFound",
        f"Proposal {UNKNOWN} does not exist.",
    )
    assert withdraw(name, by=1) == (
        403,
        "AuthorizationFailed",
        (
            f"Proposal {name} can only be withdrawn by proposer "
            f"m[{classic.member_id(0)}], not caller m[{classic.member_id(1)}]."
        ),
    )
    classic.post(f"/proposals/{name}/withdraw", "withdrawal", about=name)
    assert withdraw(name) == (
        400,
        "ProposalNotOpen",
        (
            f"Proposal {name} is currently in state withdrawn - only open proposals "
            "can be withdrawn."
        ),
    )


@pytest.mark.parametrize("about", [None, "1" * 64])
@pytest.mark.parametrize(
    ("rest", "kind"), [("withdraw", "withdrawal"), ("ballots", "ballot")]
)
def test_a_signature_for_another_proposal_is_refused(
    classic: Classic, rest: str, kind: str, about: str | None
) -> None:
    reply = classic.post(f"/proposals/{UNKNOWN}/{rest}", kind, about=about)
    message = "Authenticated proposal id does not match URL"
    assert error_of(reply) == (400, "InvalidResourceName", message)


def test_no_member_votes_twice_even_alike(classic: Classic) -> None:
    name = classic.propose()
    assert classic.vote(name).status == 200
    refused = (400, "VoteAlreadyExists", "Vote already submitted.")
    assert error_of(classic.vote(name)) == refused
    assert error_of(classic.vote(name, ballot="return false")) == refused


def test_a_ballot_needs_an_open_proposal(classic: Classic) -> None:
    assert error_of(classic.vote(UNKNOWN)) == (
        404,
        "ProposalNotFound",
        f"Could not find proposal {UNKNOWN}.",
    )
    name = classic.propose()
    for by in (0, 1):
        classic.vote(name, by=by)
    assert error_of(classic.vote(name, by=2)) == (
        400,
        "ProposalNotOpen",
        (
            f"Proposal {name} is currently in state accepted - only open proposals "
            "can receive votes."
        ),
    )


@pytest.mark.parametrize("payload", [b"", b"no", {}, [], {"ballot": 1}, "text"])
def test_what_is_no_ballot_is_refused(classic: Classic, payload: object) -> None:
    name = classic.propose()
    path = f"/proposals/{name}/ballots"
    reply = classic.post(path, "ballot", payload, about=name)
    assert error_of(reply)[:2] == (400, "InvalidInput")


def test_a_ballot_without_vote_is_an_error(classic: Classic) -> None:
    name = classic.propose()
    path = f"/proposals/{name}/ballots"
    reply = classic.post(path, "ballot", {"ballot": "let a"}, about=name)
    assert error_of(reply)[:2] == (500, "InternalError")
    info = tables.INFO.of(classic.governed.begin()).get(ProposalId(name))
    assert info is not None
    assert info.ballots == {}


def test_a_failed_proposal_leaves_no_trace(classic: Classic) -> None:
    classic.governed.govern_by(
        "export const validate = () => ({ valid: true });"
        "export const resolve = () => 'Accepted';"
        "export const apply = () => { throw new Error('cannot') };"
    )
    status, code, message = error_of(classic.post("/proposals", "proposal", {}))
    assert (status, code) == (500, "InternalError")
    assert message.startswith("Failed to apply(): Error: cannot")
    assert value_of(classic.get("/kv/proposals")) == {}


def test_a_proposal_may_be_accepted_or_dropped_at_once(classic: Classic) -> None:
    for state in ("Accepted", "Dropped"):
        classic.governed.govern_by(
            "export const validate = () => ({ valid: true });"
            f"export const resolve = () => '{state}';"
            "export const apply = () => {};"
        )
        made = value_of(classic.post("/proposals", "proposal", {"n": state}))
        assert (made["state"], made["votes"]) == (state, {})


def test_a_proposal_that_makes_no_sense_is_refused(classic: Classic) -> None:
    unknown = {"actions": [{"name": "no_such_action", "args": {}}]}
    reply = classic.post("/proposals", "proposal", unknown)
    assert error_of(reply)[:2] == (400, "ProposalFailedToValidate")


def test_a_proposal_sent_again_is_refused(classic: Classic) -> None:
    envelope = classic.sign("proposal", classic.proposal())
    headers = {"content-type": "application/cose"}
    first = classic.call("POST", "/proposals", body=envelope, headers=headers)
    again = classic.call("POST", "/proposals", body=envelope, headers=headers)
    name = value_of(first)["proposal_id"]
    message = f"Proposal submission replay, already exists as proposal {name}"
    assert error_of(again) == (400, "ProposalReplay", message)


def test_without_constitution_nothing_is_decided(classic: Classic) -> None:
    name = classic.propose()
    tx = classic.governed.begin()
    CONSTITUTION.of(tx).remove()
    classic.governed.store.commit(tx)
    message = "No constitution is set - proposals cannot be evaluated"
    refused = (500, "InternalError", message)
    assert error_of(classic.post("/proposals", "proposal", {})) == refused
    assert error_of(classic.vote(name)) == refused


def test_what_is_not_known_is_left_out_and_what_is_has_its_name() -> None:
    name, failure = ProposalId("1" * 64), Failure(reason="r")
    info = ProposalInfo(
        proposer_id=MemberId("a" * 64),
        state=ProposalState.FAILED,
        final_votes={},
        vote_failures={},
        failure=failure,
    )
    assert form_of(ClassicProposalSummary).write(summary(name, info)) == {
        "proposal_id": name,
        "proposer_id": "a" * 64,
        "state": "Failed",
        "ballot_count": 0,
        "votes": {},
        "failure": {"reason": "r"},
    }
    assert form_of(ProposalInfo).write(details(info)) == {
        "proposer_id": "a" * 64,
        "state": "Failed",
        "ballots": {},
        "final_votes": {},
        "failure": {"reason": "r"},
    }


def test_ballots_that_failed_are_told(classic: Classic) -> None:
    name = classic.propose()
    classic.vote(name, by=2, ballot="throw new Error('bad')")
    classic.vote(name, by=0)
    told = value_of(classic.vote(name, by=1))
    failures = told["vote_failures"]
    assert isinstance(failures, dict)
    assert failures[classic.member_id(2)]["reason"] == "Error: bad"
    assert value_of(classic.get(f"/proposals/{name}"))["vote_failures"] == failures
