"""Proposals over HTTP: made, voted on, withdrawn, read, refused in CCF's words."""

import json
import time
from hashlib import sha256

import pytest

from ccfpy.base.ids import ProposalId
from ccfpy.base.limits import CREATED_AT_AHEAD_MS
from ccfpy.crypto import cose
from ccfpy.http.messages import Response
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.js import RUNTIME_OPTIONS, JsRuntimeOptions
from ccfpy.service.tables.service import CONSTITUTION
from tests.attacks import attack
from tests.unit.gov.conftest import NODE_NOW_S, Governed, body

DATA = {"name": "set_member_data"}
UNKNOWN = "0" * 64


def data_of(governed: Governed, value: object = "x") -> dict[str, object]:
    member_id = governed.members[2].member_id
    return {
        "name": "set_member_data",
        "args": {"member_id": member_id, "member_data": {"note": value}},
    }


def made(governed: Governed, by: int = 0) -> str:
    reply = governed.propose(data_of(governed), by=by)
    assert reply.status == 200, reply
    return str(body(reply)["proposalId"])


def error_of(reply: Response) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


def test_a_proposal_is_named_after_its_request_and_the_state_it_met(
    governed: Governed,
) -> None:
    version = governed.store.version
    reply = governed.propose(data_of(governed))
    proposal_id = str(body(reply)["proposalId"])
    tx = governed.begin()
    envelope = tables.COSE_HISTORY.of(tx).get(governed.members[0].member_id)
    assert envelope is not None
    request = sha256(cose.parse(envelope).signature).digest()
    root = sha256(b"root %d" % version).digest()
    assert proposal_id == sha256(root + request).hexdigest()
    assert body(reply) == {
        "proposalId": proposal_id,
        "proposerId": governed.members[0].member_id,
        "proposalState": "Open",
        "ballotCount": 0,
    }


def test_a_majority_accepts_and_the_change_is_made(governed: Governed) -> None:
    proposal_id = made(governed)
    first = body(governed.vote(proposal_id, by=0))
    assert (first["proposalState"], first["ballotCount"]) == ("Open", 1)
    second = body(governed.vote(proposal_id, by=1))
    assert second["proposalState"] == "Accepted"
    assert second["finalVotes"] == {
        governed.members[0].member_id: True,
        governed.members[1].member_id: True,
    }
    member = governed.get(f"/service/members/{governed.members[2].member_id}")
    assert body(member)["memberData"] == {"note": "x"}


def test_a_closed_proposal_takes_no_ballot(governed: Governed) -> None:
    proposal_id = made(governed)
    for member in (0, 1):
        governed.vote(proposal_id, by=member)
    assert error_of(governed.vote(proposal_id, by=2)) == (
        400,
        "ProposalNotOpen",
        (
            f"Proposal {proposal_id} is currently in state accepted - only open "
            "proposals can receive votes"
        ),
    )


def test_the_same_ballot_again_is_answered_as_before(governed: Governed) -> None:
    proposal_id = made(governed)
    first = governed.vote(proposal_id, by=0)
    again = governed.vote(proposal_id, by=0)
    assert (again.status, again.body) == (200, first.body)
    member_id = governed.members[0].member_id
    assert error_of(governed.vote(proposal_id, by=0, ballot="return false")) == (
        400,
        "VoteAlreadyExists",
        f"Different ballot already submitted by m[{member_id}] for {proposal_id}.",
    )


def test_a_ballot_for_nothing_is_refused(governed: Governed) -> None:
    assert error_of(governed.vote(UNKNOWN, by=0)) == (
        404,
        "ProposalNotFound",
        f"Could not find proposal {UNKNOWN}.",
    )


@pytest.mark.parametrize("payload", [{}, [], {"ballot": 1}, "text"])
def test_a_payload_without_ballot_is_refused(
    governed: Governed, payload: object
) -> None:
    proposal_id = made(governed)
    member_id = governed.members[0].member_id
    path = f"/members/proposals/{proposal_id}/ballots/{member_id}:submit"
    reply = governed.post(path, payload, kind="ballot", proposal_id=proposal_id)
    assert error_of(reply) == (
        400,
        "InvalidInput",
        (
            "Signed request body is not a JSON object containing required string field "
            '"ballot"'
        ),
    )


def test_a_payload_that_is_not_json_is_refused(governed: Governed) -> None:
    proposal_id = made(governed)
    member_id = governed.members[0].member_id
    path = f"/members/proposals/{proposal_id}/ballots/{member_id}:submit"
    reply = governed.post(path, b"{", kind="ballot", proposal_id=proposal_id)
    assert error_of(reply)[:2] == (400, "InvalidInput")


def test_a_ballot_that_exports_no_vote_changes_nothing(governed: Governed) -> None:
    proposal_id = made(governed)
    member_id = governed.members[0].member_id
    path = f"/members/proposals/{proposal_id}/ballots/{member_id}:submit"
    ballot = {"ballot": "export function veto () {}"}
    reply = governed.post(path, ballot, kind="ballot", proposal_id=proposal_id)
    status, code, message = error_of(reply)
    assert (status, code) == (500, "InternalError")
    assert message.startswith("Failed to find export 'vote' in module ")
    read = governed.get(f"/members/proposals/{proposal_id}")
    assert body(read)["ballotCount"] == 0


def test_a_ballot_that_hides_its_vote_later_is_no_vote_and_blocks_nobody(
    governed: Governed,
) -> None:
    """Else one member could keep a proposal from ever being decided."""
    proposal_id = made(governed)
    member_id = governed.members[2].member_id
    path = f"/members/proposals/{proposal_id}"
    table = "ccf.kv['public:ccf.gov.proposals_info']"
    key = f"ccf.strToBuf('{proposal_id}')"
    ballot = (
        f"const info = ccf.bufToJsonCompatible({table}.get({key}));\n"
        "const others = Object.keys(info.ballots).length;\n"
        "export const vote = others < 2 ? () => false : 'none';"
    )
    submit = f"{path}/ballots/{member_id}:submit"
    reply = governed.post(
        submit, {"ballot": ballot}, by=2, kind="ballot", proposal_id=proposal_id
    )
    assert reply.status == 200
    assert governed.vote(proposal_id, by=0).status == 200
    assert body(governed.vote(proposal_id, by=1))["proposalState"] == "Accepted"
    failures = body(governed.get(path))["voteFailures"]
    assert isinstance(failures, dict)
    assert "'vote'" in failures[member_id]["reason"]


def test_ballots_and_actions_are_read_as_they_were_signed(governed: Governed) -> None:
    proposal_id = made(governed)
    governed.vote(proposal_id, by=1)
    member_id = governed.members[1].member_id
    path = f"/members/proposals/{proposal_id}"
    ballot = governed.get(f"{path}/ballots/{member_id}")
    assert ballot.headers["content-type"] == "text/javascript"
    assert ballot.body.startswith(b"export function vote (proposal, proposerId)")
    actions = governed.get(f"{path}/actions")
    assert json.loads(actions.body) == {"actions": [data_of(governed)]}
    assert error_of(governed.get(f"{path}/ballots/{UNKNOWN}")) == (
        404,
        "VoteNotFound",
        f"Member m[{UNKNOWN}] has not voted for proposal {proposal_id}.",
    )


def test_what_does_not_exist_is_not_found(governed: Governed) -> None:
    for path in ("", "/actions"):
        assert error_of(governed.get(f"/members/proposals/{UNKNOWN}{path}")) == (
            404,
            "ProposalNotFound",
            f"Could not find proposal {UNKNOWN}.",
        )
    reply = governed.get(f"/members/proposals/{UNKNOWN}/ballots/{UNKNOWN}")
    message = f"Proposal {UNKNOWN} does not exist."
    assert error_of(reply) == (404, "ProposalNotFound", message)


def test_every_proposal_is_listed_until_another_is_decided(governed: Governed) -> None:
    accepted, other = made(governed), made(governed, by=1)
    for member in (0, 1):
        governed.vote(accepted, by=member)
    listed = body(governed.get("/members/proposals"))["value"]
    assert isinstance(listed, list)
    states = {each["proposalId"]: each["proposalState"] for each in listed}
    assert states == {accepted: "Accepted", other: "Open"}
    for member in (0, 1):
        governed.vote(other, by=member)
    assert governed.get(f"/members/proposals/{accepted}").status == 404
    assert governed.get(f"/members/proposals/{other}").status == 200


def withdraw(governed: Governed, proposal_id: str, by: int = 0) -> Response:
    path = f"/members/proposals/{proposal_id}:withdraw"
    return governed.post(path, by=by, kind="withdrawal", proposal_id=proposal_id)


def test_a_proposer_may_withdraw_again_and_again(governed: Governed) -> None:
    proposal_id = made(governed)
    for _ in range(2):
        reply = withdraw(governed, proposal_id)
        assert (reply.status, body(reply)["proposalState"]) == (200, "Withdrawn")


def test_withdrawing_what_is_unknown_is_no_error(governed: Governed) -> None:
    reply = withdraw(governed, UNKNOWN)
    assert (reply.status, reply.body) == (204, b"")


def test_only_the_proposer_withdraws(governed: Governed) -> None:
    proposal_id = made(governed)
    proposer, caller = (governed.members[number].member_id for number in (0, 1))
    assert error_of(withdraw(governed, proposal_id, by=1)) == (
        403,
        "AuthorizationFailed",
        (
            f"Proposal {proposal_id} can only be withdrawn by proposer m[{proposer}], "
            f"not caller m[{caller}]."
        ),
    )


def test_a_decided_proposal_cannot_be_withdrawn(governed: Governed) -> None:
    proposal_id = made(governed)
    for member in (0, 1):
        governed.vote(proposal_id, by=member)
    assert error_of(withdraw(governed, proposal_id)) == (
        400,
        "ProposalNotOpen",
        (
            f"Proposal {proposal_id} is currently in state accepted and cannot be "
            "withdrawn."
        ),
    )


def test_a_proposal_that_makes_no_sense_leaves_no_trace(governed: Governed) -> None:
    before = governed.store.version
    status, code, message = error_of(governed.propose({"name": "no_such_action"}))
    assert (status, code) == (400, "ProposalFailedToValidate")
    assert message.startswith("Proposal failed to validate: ")
    assert governed.store.version == before


@pytest.mark.parametrize("form", range(4))
@attack("gov: a proposal again, with another signature that holds")
def test_a_replayed_request_is_refused(governed: Governed, form: int) -> None:
    proposal_id = made(governed)
    tx = governed.begin()
    envelope = tables.COSE_HISTORY.of(tx).get(governed.members[0].member_id)
    assert envelope is not None
    again = cose.forms(envelope)[form]
    assert error_of(governed.send("/members/proposals:create", again)) == (
        400,
        "ProposalReplay",
        f"Proposal submission replay, already exists as proposal {proposal_id}",
    )


@attack("gov: a proposal from the future")
def test_a_request_from_the_future_is_refused(governed: Governed) -> None:
    latest_s = NODE_NOW_S + CREATED_AT_AHEAD_MS // 1000
    for ahead_s, status in ((1, 400), (0, 200)):
        reply = governed.post(
            "/members/proposals:create",
            {"actions": [data_of(governed)]},
            kind="proposal",
            created_at=latest_s + ahead_s,
        )
        assert reply.status == status, reply
        if ahead_s:
            assert error_of(reply)[1] == "InvalidCreatedAt"


def test_a_proposal_may_be_accepted_at_once(governed: Governed) -> None:
    governed.govern_by(
        "export function validate() { return { valid: true } }"
        "export function resolve() { return 'Accepted' }"
        "export function apply(proposal, proposalId) { ccf.node.triggerSnapshot() }"
    )
    reply = governed.propose()
    assert body(reply)["proposalState"] == "Accepted"
    assert governed.node.asked == ["snapshot"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("throw new Error('no')", "Failed to resolve(): Error: no\nTrace:     at"),
        (
            "return 'Maybe'",
            'resolve() returned invalid status value: "Maybe"\nTrace: N/A',
        ),
    ],
)
def test_a_failed_proposal_is_an_error_and_leaves_no_trace(
    governed: Governed, source: str, message: str
) -> None:
    before = governed.store.version
    governed.govern_by(
        "export function validate() { return { valid: true } }"
        f"export function resolve() {{ {source} }}"
    )
    status, code, text = error_of(governed.propose())
    assert (status, code) == (500, "InternalError")
    assert text.startswith(message)
    assert governed.store.version == before + 1


def test_an_apply_that_throws_undoes_the_deciding_ballot(governed: Governed) -> None:
    proposal_id = made(governed)
    governed.vote(proposal_id, by=0)
    tx = governed.begin()
    source = CONSTITUTION.of(tx).get()
    assert source is not None
    head, _, _ = source.partition("export function apply")
    failing = "export function apply() { throw new Error('late') }"
    governed.govern_by(head + failing)
    status, code, message = error_of(governed.vote(proposal_id, by=1))
    assert (status, code) == (500, "InternalError")
    assert message.startswith("Failed to apply(): Error: late\nTrace: ")
    read = body(governed.get(f"/members/proposals/{proposal_id}"))
    assert (read["proposalState"], read["ballotCount"]) == ("Open", 1)


def test_without_constitution_nothing_is_evaluated(governed: Governed) -> None:
    proposal_id = made(governed)
    tx = governed.begin()
    CONSTITUTION.of(tx).remove()
    governed.store.commit(tx)
    assert error_of(governed.propose()) == (
        500,
        "InternalError",
        "No constitution is set - proposals cannot be evaluated",
    )
    assert error_of(governed.vote(proposal_id, by=0)) == (
        500,
        "InternalError",
        "No constitution is set - ballots cannot be evaluated",
    )


def test_an_identity_taken_already_is_refused(governed: Governed) -> None:
    first = made(governed)
    governed.node.repeats_root = sha256(b"root").digest()
    tx = governed.begin()
    envelope = tables.COSE_HISTORY.of(tx).get(governed.members[0].member_id)
    assert envelope is not None
    request = sha256(cose.parse(envelope).signature).digest()
    taken = sha256(governed.node.repeats_root + request).hexdigest()
    bodies = tables.PROPOSALS.of(tx)
    body_of_first = bodies.get(ProposalId(first))
    assert body_of_first is not None
    bodies.put(ProposalId(taken), body_of_first)
    governed.store.commit(tx)
    assert error_of(governed.send("/members/proposals:create", envelope)) == (
        500,
        "InternalError",
        "Proposal ID collision.",
    )


def test_a_proposal_whose_body_is_lost_takes_no_ballot(governed: Governed) -> None:
    proposal_id = made(governed)
    tx = governed.begin()
    tables.PROPOSALS.of(tx).remove(ProposalId(proposal_id))
    governed.store.commit(tx)
    assert error_of(governed.vote(proposal_id, by=0))[:2] == (404, "ProposalNotFound")


def test_a_proposal_must_be_bound_to_the_state(governed: Governed) -> None:
    governed.node.forgets_roots = True
    assert error_of(governed.propose()) == (
        500,
        "InternalError",
        "Proposal failed to bind to state.",
    )


def test_a_member_who_did_not_acknowledge_may_not_propose(fresh: Governed) -> None:
    reply = fresh.propose(data_of(fresh))
    assert reply.status == 401
    details = json.loads(reply.body)["error"]["details"]
    assert details[0]["message"] == "Signer is not an ACTIVE member"


def test_a_signature_for_another_operation_is_refused(governed: Governed) -> None:
    reply = governed.post("/members/proposals:create", {}, kind="ballot")
    assert reply.status == 401
    details = json.loads(reply.body)["error"]["details"]
    assert details[0]["message"] == (
        "Found ccf.gov.msg.type set to ballot, expected ccf.gov.msg.type to be proposal"
    )


def test_a_strangers_signature_is_refused(governed: Governed) -> None:
    reply = governed.post("/members/proposals:create", {}, by=3, kind="proposal")
    assert reply.status == 401


def test_a_forged_signature_is_refused(governed: Governed) -> None:
    envelope = bytearray(
        cose.sign(
            governed.members[0].key,
            protected={
                4: governed.members[0].member_id.encode(),
                "ccf.gov.msg.type": "proposal",
                "ccf.gov.msg.created_at": 1,
            },
            payload=b'{"actions":[]}',
        )
    )
    envelope[-1] ^= 1
    assert governed.send("/members/proposals:create", bytes(envelope)).status == 401


def test_a_new_constitution_drops_what_was_proposed_under_the_old(
    governed: Governed, default_constitution: str
) -> None:
    waiting = made(governed, by=1)
    action = {
        "name": "set_constitution",
        "args": {"constitution": f"{default_constitution}\n// amended"},
    }
    assert body(governed.enact(action))["proposalState"] == "Accepted"
    read = governed.get(f"/members/proposals/{waiting}")
    assert body(read)["proposalState"] == "Dropped"
    status, code, message = error_of(governed.vote(waiting, by=0))
    assert (status, code) == (400, "ProposalNotOpen")
    assert "is currently in state dropped" in message


def test_limits_set_too_low_never_stop_governance(governed: Governed) -> None:
    tx = governed.begin()
    tiny = JsRuntimeOptions(
        max_heap_bytes=1, max_stack_bytes=1, max_execution_time_ms=1
    )
    RUNTIME_OPTIONS.of(tx).put(tiny)
    governed.store.commit(tx)
    assert body(governed.enact(data_of(governed)))["proposalState"] == "Accepted"


@pytest.mark.slow
def test_fifty_rounds_of_proposal_and_votes_take_little_time(
    governed: Governed,
) -> None:
    started = time.process_time()
    for number in range(50):
        reply = governed.enact(data_of(governed, number))
        assert body(reply)["proposalState"] == "Accepted"
    assert time.process_time() - started < 5
