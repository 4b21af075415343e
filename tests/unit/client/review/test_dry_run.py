"""What would come of a proposal, and who decides, without a service."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, UserId
from ccfpy.base.json import Json
from ccfpy.client.governance import REJECT
from ccfpy.client.review.consequences import consequences
from ccfpy.client.review.description import is_same
from ccfpy.client.review.dry_run import (
    MEMBERS_TRIED_MAX,
    TRIED,
    AbsentNode,
    Outcome,
    Rule,
    dry_run,
    find_rule,
    time_of,
)
from ccfpy.client.review.public_state import PublicState
from ccfpy.gov.evaluation import Evaluator
from ccfpy.gov.proposals import Proposal
from ccfpy.service.tables import members, proposals, users
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.proposals import ProposalState
from ccfpy.service.tables.service import CONSTITUTION
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
from tests.unit.client.review.misleading import ALONE, BROKEN, LOCKED


def name_of(outcome: Outcome) -> str:
    return outcome.name(tuple(consequences(outcome)))


def outcome_of(state: PublicState, now_us: int | None = None) -> Outcome:
    tx = state.store.begin(read_only=True)
    body = proposals.PROPOSALS.of(tx).get(PROPOSAL)
    info = proposals.INFO.of(tx).get(PROPOSAL)
    assert body is not None
    assert info is not None
    proposal = Proposal(proposal_id=PROPOSAL, body=body, info=info)
    return dry_run(state.store, proposal, now_us=now_us)


@pytest.mark.parametrize(
    ("ballots", "state", "more"),
    [
        ({}, ProposalState.OPEN, (ALICE, BOB)),
        (in_favour(BOB), ProposalState.OPEN, (ALICE,)),
        (in_favour(ALICE, CAROL), ProposalState.ACCEPTED, ()),
        ({ALICE: REJECT}, ProposalState.OPEN, (BOB, CAROL)),
        ({ALICE: REJECT, BOB: REJECT}, ProposalState.OPEN, None),
    ],
)
def test_the_votes_that_are_missing_are_found(
    ballots: dict[MemberId, str],
    state: ProposalState,
    more: tuple[MemberId, ...] | None,
) -> None:
    outcome = outcome_of(public_state(ADDS_USER, ballots=ballots))
    assert outcome.votes == {each: ballots[each] != REJECT for each in ballots}
    assert (outcome.state, outcome.more) == (state, more)


def test_the_votes_that_reject_are_found_by_running_the_constitution() -> None:
    assert outcome_of(public_state(ADDS_USER)).fewer is None
    wanted = "if (votes.filter((v) => !v.vote).length > 1) return 'Rejected'; "
    rules = RULES.replace(
        "return 2 * inFavour > active.size",
        f"{wanted} return 2 * inFavour > active.size",
    )
    outcome = outcome_of(public_state(ADDS_USER, rules=rules, ballots={BOB: REJECT}))
    assert outcome.fewer == (ALICE,)
    assert outcome.waiting == (ALICE, CAROL)


def test_what_it_would_write_is_known_and_not_written() -> None:
    state = public_state(ADDS_USER)
    outcome = outcome_of(state)
    assert users.CERTS.decode_writes(outcome.writes[users.CERTS.name]) == {
        USER.digest_hex: USER.pem
    }
    assert not outcome.asked
    assert not list(users.CERTS.of(state.store.begin(read_only=True)).keys())


def test_a_ballot_that_fails_is_no_vote() -> None:
    throws = "export function vote () { throw new Error('broken') }"
    outcome = outcome_of(public_state(ADDS_USER, ballots={BOB: throws, ALICE: "x"}))
    assert not outcome.votes
    assert "broken" in outcome.failures[BOB].reason
    assert ALICE in outcome.failures


@pytest.mark.parametrize(
    ("wanted", "invalid", "failure"),
    [
        (action("no_such"), "no such action", "apply"),
        (action("set_user", cert="x"), "must be a valid X509 certificate", None),
        (action("set_node_data", node_id="0a" * 32), None, "does not exist"),
    ],
)
def test_why_it_would_fail_is_said(
    wanted: Json, invalid: str | None, failure: str | None
) -> None:
    outcome = outcome_of(public_state(ADDS_USER, wanted))
    assert (outcome.invalid is None) == (invalid is None)
    assert invalid is None or invalid in (outcome.invalid or "")
    if failure is not None:
        assert outcome.failure
        assert not outcome.writes


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("trigger_ledger_rekey", "new ledger secret"),
        ("trigger_recovery_shares_refresh", "new recovery shares"),
        ("trigger_ledger_chunk", "close the ledger's chunk"),
        ("trigger_snapshot", "make a snapshot"),
    ],
)
def test_what_only_the_service_can_do_is_noted(name: str, asked: str) -> None:
    outcome = outcome_of(public_state(action(name)))
    assert len(outcome.asked) == 1
    assert asked in outcome.asked[0]
    assert not outcome.failure


def test_certificates_are_noted_and_not_made() -> None:
    state = public_state(
        action("transition_service_to_open", next_service_identity=USER.pem),
        action(
            "set_service_certificate_validity",
            valid_from="240101000000Z",
            validity_period_days=30,
        ),
    )
    outcome = outcome_of(state)
    assert outcome.failure is None
    assert outcome.asked == (
        "open the service",
        "renew the service's certificate from ⦅240101000000Z⦆ for 30 days",
    )


def test_other_rules_decide_otherwise() -> None:
    """A constitution that never accepts, and one that says what is no answer."""
    for answer, state in (("Rejected", "Rejected"), ("Perhaps", "Failed")):
        rules = RULES.replace(
            "return 2 * inFavour > active.size", f'return "{answer}"; return active'
        )
        assert outcome_of(public_state(ADDS_USER, rules=rules)).state == state


NOISY = RULES.replace(
    "export function apply(",
    """export function apply(proposal, id) {
      const told = `${Date.now()} ${Math.random()} ${ccf.crypto.generateAesKey(128)}`;
      ccf.kv["public:ccf.gov.noise"].set(ccf.strToBuf("a"), ccf.strToBuf(told));
      applied(proposal, id);
    }
    function applied(""",
)
"""Rules that write the time, and what nobody can know before."""


def test_an_outcome_is_the_same_again_for_its_time() -> None:
    """Whoever has voted meanwhile, and whatever scripts ask for."""
    state = public_state(ADDS_USER, rules=NOISY)
    first = outcome_of(state, now_us=1_000_000)
    assert "public:ccf.gov.noise" in first.writes
    voted = public_state(ADDS_USER, rules=NOISY, ballots=in_favour(BOB))
    assert name_of(outcome_of(voted, now_us=1_000_000)) == name_of(first)
    assert time_of(name_of(first)) == 1_000_000
    assert outcome_of(state, now_us=2_000_000).writes != first.writes


def _writing(javascript: str) -> str:
    """Rules that write a value beside what a proposal asks for."""
    return NOISY.replace(
        "`${Date.now()} ${Math.random()} ${ccf.crypto.generateAesKey(128)}`", javascript
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "is_repeated"),
    [
        ("String(Math.random())", True),
        ("ccf.crypto.generateEcdsaKeyPair('secp256r1').publicKey", True),
        ("ccf.crypto.generateRsaKeyPair(2048).publicKey", False),
    ],
)
def test_what_is_made_at_random_does_not_change_an_outcomes_name(
    made: str, *, is_repeated: bool
) -> None:
    """Also at another time; the rest is compared."""
    rules = _writing(made)
    state = public_state(ADDS_USER, rules=rules)
    first = outcome_of(state, now_us=1_000_000)
    second = outcome_of(state, now_us=2_000_000)
    assert (first.writes == second.writes) == is_repeated
    assert is_same(name_of(first), name_of(second))
    assert first.took_random == is_repeated
    assert bool(first.unrepeated) != is_repeated
    more = "ccf.kv['public:ccf.gov.more'].set(ccf.strToBuf('b'), ccf.strToBuf('c'))"
    other = _writing(f"{made}; {more}")
    changed = outcome_of(public_state(ADDS_USER, rules=other), now_us=1_000_000)
    assert not is_same(name_of(first), name_of(changed))


@pytest.mark.slow
def test_a_row_whose_key_is_random_is_compared_by_its_table() -> None:
    key = "ccf.strToBuf(ccf.crypto.generateRsaKeyPair(2048).publicKey)"
    rules = NOISY.replace('ccf.strToBuf("a")', key).replace("Date.now()", "0")
    state = public_state(ADDS_USER, rules=rules)
    assert outcome_of(state).unrepeated.keys() == {"public:ccf.gov.noise"}
    assert is_same(name_of(outcome_of(state)), name_of(outcome_of(state)))


@attack("gov: another proposal is accepted while a member reads one")
def test_who_would_decide_alone_is_part_of_an_outcomes_name() -> None:
    """Others may go meanwhile, where no row that would be written is another."""
    state = public_state(action("set_constitution", constitution=RULES))
    outcome = outcome_of(state, now_us=1)
    assert outcome.rule is not None
    alone: dict[str, tuple[MemberId, ...]] = {"set_member": (MemberId("m"),)}
    other = replace(outcome, rule=replace(outcome.rule, alone=alone))
    assert not is_same(name_of(outcome), name_of(other))
    assert is_same(name_of(outcome), name_of(outcome_of(state, now_us=2)))


def test_an_outcome_has_another_name_if_what_is_there_is_another() -> None:
    state = public_state(ADDS_USER)
    first = name_of(outcome_of(state, now_us=1_000_000))
    tx = state.store.begin()
    users.INFO.of(tx).put(UserId(USER.digest_hex), users.UserInfo(user_data={}))
    state.store.apply(2, tx.writes)
    assert name_of(outcome_of(state, now_us=1_000_000)) != first


@pytest.mark.parametrize("name", ["", "now", "1." + "A" * 64, "-1." + "0" * 64])
def test_what_names_no_outcome_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="named by a time"):
        time_of(name)


def test_a_new_constitution_drops_other_proposals() -> None:
    other = RULES + "\n// changed\n"
    outcome = outcome_of(public_state(action("set_constitution", constitution=other)))
    assert CONSTITUTION.decode_writes(outcome.writes[CONSTITUTION.name]) == other


EVERY = (ALICE, BOB, CAROL)


def _rule(rules: str) -> Rule:
    tx = public_state(rules=rules).store.begin(read_only=True)
    return find_rule(Evaluator.of(AbsentNode(), tx, 0))


def test_by_a_majority_nobody_decides_alone() -> None:
    assert _rule(RULES) == Rule(alone={}, nobody=())


def test_who_decides_alone_is_found_with_a_vote_and_without() -> None:
    told = _rule(ALONE)
    assert told.alone == dict.fromkeys(TRIED, EVERY)
    proposer = RULES.replace(
        "return 2 * inFavour",
        f'if (proposerId === "{BOB}") return "Accepted"; return 2 * inFavour',
    )
    assert _rule(proposer).alone == dict.fromkeys(TRIED, (BOB,))
    constitution = RULES.replace(
        "return 2 * inFavour",
        'if (proposal.includes("set_constitution")) return "Accepted"; '
        "return 2 * inFavour",
    )
    assert _rule(constitution).alone == {"set_constitution": EVERY}


def test_what_nobody_could_decide_is_found() -> None:
    assert _rule(LOCKED) == Rule(alone={}, nobody=tuple(TRIED))


@pytest.mark.parametrize("rules", [BROKEN, "export function validate () {}", "("])
def test_a_constitution_that_fails_decides_nothing(rules: str) -> None:
    assert _rule(rules).failure


def test_a_bounded_number_of_members_is_tried() -> None:
    state = public_state(rules=ALONE)
    tx = state.store.begin()
    for number in range(MEMBERS_TRIED_MAX + 1):
        member_id = type(ALICE)(f"{number:064x}")
        members.INFO.of(tx).put(member_id, MemberInfo(status=MemberStatus.ACTIVE))
    state.store.apply(2, tx.writes)
    evaluator = Evaluator.of(AbsentNode(), state.store.begin(read_only=True), 0)
    told = find_rule(evaluator)
    assert {len(each) for each in told.alone.values()} == {MEMBERS_TRIED_MAX}
