"""A constitution's answer moves a proposal as the table allows."""

import itertools
import re
from pathlib import Path

import pytest

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.gov import proposals
from ccfpy.gov.definitions import ProposalBody
from ccfpy.gov.evaluation import Evaluator
from ccfpy.gov.proposals import MOVES, Proposal, move, resolve, state_word, validate
from ccfpy.http.errors import ApiError
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.kv.store import Store
from ccfpy.service.records import form_of
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import Failure, ProposalInfo, ProposalState
from tests.unit.gov.conftest import Governed

PID = ProposalId("1" * 64)
ALICE, BOB = MemberId("a" * 64), MemberId("b" * 64)


@pytest.fixture
def evaluator(governed: Governed) -> Evaluator:
    return Evaluator.of(governed.node, governed.begin(), 0)


def constitution(
    resolve: str = '"Open"', apply: str = "", validate: str = ""
) -> Program:
    return Program(
        name="constitution",
        source=(
            f"export function validate(input) {{ {validate} }}\n"
            "export function resolve(proposal, proposerId, votes, proposalId) "
            f"{{ return {resolve} }}\n"
            f"export function apply(proposal, proposalId) {{ {apply} }}"
        ),
    )


def a_proposal(**ballots: str) -> Proposal:
    members = {"alice": ALICE, "bob": BOB}
    info = ProposalInfo(
        proposer_id=ALICE,
        ballots={
            members[name]: f"export function vote() {{ {source} }}"
            for name, source in ballots.items()
        },
    )
    return Proposal(proposal_id=PID, body=b'{"actions":[]}', info=info)


@pytest.mark.parametrize(
    ("before", "after"), list(itertools.product(ProposalState, repeat=2))
)
def test_a_proposal_moves_only_as_its_table_says(
    before: ProposalState, after: ProposalState
) -> None:
    info = ProposalInfo(proposer_id=ALICE, state=before)
    if after in MOVES[before]:
        assert move(info, after).state is after
    else:
        with pytest.raises(AssertionError):
            move(info, after)


def test_only_open_and_accepted_proposals_move_at_all() -> None:
    moving = {state for state, following in MOVES.items() if following}
    assert moving == {ProposalState.OPEN, ProposalState.ACCEPTED}
    assert set(MOVES) == set(ProposalState)


def test_the_packages_page_draws_the_table() -> None:
    page = Path(proposals.__file__).with_name("README.md").read_text()
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", page, re.MULTILINE))
    edges = {(str(a), str(b)) for a, following in MOVES.items() for b in following}
    assert drawn == edges


def test_states_have_ccfs_words() -> None:
    words = [state_word(state) for state in ProposalState]
    assert words == ["open", "accepted", "withdrawn", "rejected", "UNKNOWN", "dropped"]


@pytest.mark.parametrize("answer", ["Open", "Accepted", "Rejected", "Dropped"])
def test_resolve_decides_the_state(evaluator: Evaluator, answer: str) -> None:
    info = resolve(evaluator, constitution(f'"{answer}"'), a_proposal())
    assert info.state == answer
    decided = answer != "Open"
    assert (info.final_votes is not None) is decided
    assert (info.vote_failures is not None) is decided
    assert tables.INFO.of(evaluator.tx).get(PID) == info


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ('"open"', "open"),
        ("undefined", "undefined"),
        ("7", "7"),
        (r"'\ud800'", r'"\ud800"'),
        ('"Withdrawn"', "Withdrawn"),
    ],
)
def test_any_other_answer_fails_the_proposal(
    evaluator: Evaluator, answer: str, shown: str
) -> None:
    info = resolve(evaluator, constitution(answer), a_proposal())
    assert info.state is ProposalState.FAILED
    reason = f'resolve() returned invalid status value: "{shown}"'
    assert info.failure == Failure(reason=reason)


def test_a_resolve_that_throws_fails_the_proposal(evaluator: Evaluator) -> None:
    info = resolve(
        evaluator, constitution("(() => { throw new Error('no') })()"), a_proposal()
    )
    assert info.state is ProposalState.FAILED
    assert info.failure is not None
    assert info.failure.reason == "Failed to resolve(): Error: no"
    assert info.failure.trace is not None
    assert "resolve (constitution:2" in info.failure.trace


def test_an_apply_that_throws_fails_what_was_accepted(evaluator: Evaluator) -> None:
    accepted = constitution('"Accepted"', apply="throw new TypeError('cannot')")
    info = resolve(evaluator, accepted, a_proposal())
    assert info.state is ProposalState.FAILED
    assert info.failure is not None
    assert info.failure.reason == "Failed to apply(): TypeError: cannot"
    assert tables.INFO.of(evaluator.tx).get(PID) == info


def test_apply_is_not_called_unless_accepted(evaluator: Evaluator) -> None:
    for answer in ("Open", "Rejected"):
        info = resolve(
            evaluator, constitution(f'"{answer}"', apply="throw 1"), a_proposal()
        )
        assert info.failure is None


def test_apply_is_given_the_proposal_and_its_id(evaluator: Evaluator) -> None:
    write = (
        "ccf.kv['public:ccf.gov.test'].set(ccf.strToBuf(proposalId), "
        "ccf.strToBuf(proposal))"
    )
    resolve(evaluator, constitution('"Accepted"', apply=write), a_proposal())
    written = evaluator.tx.raw("public:ccf.gov.test").get(PID.encode())
    assert written == b'{"actions":[]}'


def test_resolve_is_given_every_vote_that_evaluates(evaluator: Evaluator) -> None:
    proposal = a_proposal(alice="return true", bob="throw new Error('bad ballot')")
    asked = (
        "JSON.stringify([proposal, proposerId, votes, proposalId])"
        f" === JSON.stringify(['{{\"actions\":[]}}', '{ALICE}', "
        f"[{{ member_id: '{ALICE}', vote: true }}], '{PID}']) ? 'Rejected' : 'wrong'"
    )
    info = resolve(evaluator, constitution(asked), proposal)
    assert info.state is ProposalState.REJECTED
    assert info.final_votes == {ALICE: True}
    assert info.vote_failures is not None
    failure = info.vote_failures[BOB]
    assert failure.reason == "Error: bad ballot"
    assert failure.trace is not None
    assert f"public:ccf.gov.proposals_info[{PID}].ballots[m[{BOB}]]" in failure.trace


def test_a_ballot_is_given_the_proposal_its_proposer_and_its_id(
    evaluator: Evaluator,
) -> None:
    expected = f"['{{\"actions\":[]}}', '{ALICE}', '{PID}']"
    source = f"return JSON.stringify([...arguments]) === JSON.stringify({expected})"
    info = resolve(evaluator, constitution('"Rejected"'), a_proposal(bob=source))
    assert info.final_votes == {BOB: True}


@pytest.mark.parametrize("source", ["return 1", "return 'true'", "return {}", ""])
def test_only_true_is_a_vote_in_favour(evaluator: Evaluator, source: str) -> None:
    info = resolve(evaluator, constitution('"Rejected"'), a_proposal(alice=source))
    assert info.final_votes == {ALICE: False}


def test_a_ballot_without_vote_is_its_voters_fault(evaluator: Evaluator) -> None:
    info = ProposalInfo(proposer_id=ALICE, ballots={ALICE: "export const a = 1"})
    proposal = Proposal(proposal_id=PID, body=b"", info=info)
    with pytest.raises(JsModuleFailed):
        resolve(evaluator, constitution(), proposal, voter=ALICE)
    decided = resolve(evaluator, constitution('"Rejected"'), proposal, voter=BOB)
    assert decided.vote_failures is not None
    assert decided.vote_failures.keys() == {ALICE}


def test_a_ballot_may_not_write(evaluator: Evaluator) -> None:
    source = "ccf.kv['public:ccf.gov.test'].set(ccf.strToBuf('a'), ccf.strToBuf('b'))"
    info = resolve(evaluator, constitution('"Rejected"'), a_proposal(alice=source))
    assert info.vote_failures is not None
    assert "read-only governance" in info.vote_failures[ALICE].reason


def test_deciding_one_forgets_the_others_that_are_closed(evaluator: Evaluator) -> None:
    infos, bodies = tables.INFO.of(evaluator.tx), tables.PROPOSALS.of(evaluator.tx)
    for number, state in enumerate(ProposalState, start=2):
        other = ProposalId(f"{number}" * 64)
        infos.put(other, ProposalInfo(proposer_id=BOB, state=state))
        bodies.put(other, b"{}")
    resolve(evaluator, constitution('"Rejected"'), a_proposal())
    left = {proposal_id: info.state for proposal_id, info in infos.items()}
    still_open = ProposalId("2" * 64)
    assert left == {still_open: ProposalState.OPEN, PID: ProposalState.REJECTED}
    assert list(bodies.keys()) == [still_open]


@pytest.mark.parametrize(
    ("source", "status", "code", "message"),
    [
        (
            "return { valid: false, description: 'bad' }",
            400,
            "ProposalFailedToValidate",
            "Proposal failed to validate: bad",
        ),
        ("return { valid: 1 }", 400, "ProposalFailedToValidate", "to validate: "),
        ("return []", 400, "ProposalFailedToValidate", "to validate: "),
        ("return null", 500, "InternalError", "Validation failed to return an object"),
        ("", 500, "InternalError", "Validation failed to return an object"),
        (
            "throw new Error('no')",
            500,
            "InternalError",
            "Failed to execute validation: Error: no ",
        ),
        ("throw 'x'", 500, "InternalError", "Failed to execute validation: x "),
    ],
)
def test_validation_says_what_is_wrong(
    evaluator: Evaluator, source: str, status: int, code: str, message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        validate(evaluator, constitution(validate=source), "{}")
    assert refused.value.status == status
    assert refused.value.code == code
    assert message in refused.value.message


def test_validation_is_given_the_text_and_may_pass(evaluator: Evaluator) -> None:
    source = "return { valid: input === 'text' }"
    validate(evaluator, constitution(validate=source), "text")


def test_a_proposal_is_described_without_what_it_has_not() -> None:
    write = form_of(ProposalBody).write
    assert write(proposals.body_of(PID, ProposalInfo(proposer_id=ALICE))) == {
        "proposalId": PID,
        "proposerId": ALICE,
        "proposalState": "Open",
        "ballotCount": 0,
    }
    failed = ProposalInfo(
        proposer_id=ALICE,
        state=ProposalState.FAILED,
        ballots={ALICE: "x"},
        final_votes={},
        vote_failures={BOB: Failure(reason="r", trace="t")},
        failure=Failure(reason="f"),
    )
    described = write(proposals.body_of(PID, failed))
    assert isinstance(described, dict)
    assert described["finalVotes"] == {}
    assert described["voteFailures"] == {BOB: {"reason": "r", "trace": "t"}}
    assert described["failure"] == {"reason": "f"}


def test_no_constitution_no_government() -> None:
    with pytest.raises(ApiError, match="none here"):
        proposals.read_constitution(Store().begin(), otherwise="none here")
