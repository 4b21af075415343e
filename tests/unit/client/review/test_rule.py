"""Who decides by a constitution is found out by running it."""

import pytest

from ccfpy.client.review.dry_run import AbsentNode
from ccfpy.client.review.rule import MEMBERS_TRIED_MAX, TRIED, Rule, find_rule
from ccfpy.gov.evaluation import Evaluator
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from tests.unit.client.review.made import ALICE, BOB, CAROL, RULES, public_state
from tests.unit.client.review.misleading import ALONE, BROKEN, LOCKED

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
