"""Everybody is told the next step, and how far the nodes are."""

from datetime import UTC, datetime

import pytest

from ccfpy.base.ids import MemberId, NodeId, ProposalId
from ccfpy.console.recovery import SAMPLES_MAX, Pace, unread_recovery, view_of
from ccfpy.console.recovery_answers import RecoveryView
from ccfpy.console.recovery_reading import (
    Decision,
    Member,
    Progress,
    Seen,
    Standing,
)
from ccfpy.console.service import Service
from ccfpy.console.signing import Pen
from ccfpy.crypto.certs import Certificate
from ccfpy.service.tables.proposals import ProposalInfo
from tests.unit.console.recovered import ALICE, BOB, NAMES, pen_of

LOST = ALICE.certificate
OTHER = BOB.certificate
MEMBERS = tuple(
    Member(id=MemberId(id_), status="Active", role=role)
    for id_, role in ((ALICE.id, "Participant"), (BOB.id, "Owner"))
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def service(certificate: str, pen: Pen | None = None) -> Service:
    return Service(
        urls=["https://127.0.0.1:8000"],
        certificate=certificate,
        names=lambda: NAMES,
        pen=pen,
    )


def view(
    status: str,
    *,
    pen: Pen | None = None,
    node: Progress | None = None,
    submitted: tuple[str, ...] = (),
    decision: Decision | None = None,
    members: tuple[Member, ...] = MEMBERS,
) -> RecoveryView:
    holders = [MemberId(ALICE.id), MemberId(BOB.id)]
    standing = Standing(
        threshold=2, holders=holders, submitted=[MemberId(each) for each in submitted]
    )
    seen = Seen(
        status=status,
        nodes=[] if node is None else [node],
        previous=LOST,
        members=members,
        standing=standing,
        decision=decision,
    )
    return view_of(seen, service=service(OTHER.pem, pen), pace=Pace(), now=NOW)


def go_on(previous: Certificate, *voters: str) -> Decision:
    ballots = {MemberId(voter): "" for voter in voters}
    return Decision(
        id=ProposalId("ab"),
        info=ProposalInfo(proposer_id=MemberId(ALICE.id), ballots=ballots),
        previous=previous.pem,
        next=OTHER.pem,
    )


def steps(told: RecoveryView) -> list[str]:
    return [step.standing for step in told.steps]


def next_steps(told: RecoveryView) -> dict[str, str]:
    return {member.name: member.next for member in told.members}


def test_members_compare_before_one_proposes() -> None:
    told = view("Recovering", pen=pen_of(ALICE))
    assert steps(told) == ["done", "now", "later", "later", "later"]
    assert (told.old_identity, told.new_identity) == (LOST.digest_hex, OTHER.digest_hex)
    assert told.you == "Compare both digests, then propose, or wait for a proposal."
    assert told.may_propose
    assert not view("Recovering").may_propose, "who only reads cannot"


def test_who_has_not_voted_is_named() -> None:
    told = view("Recovering", decision=go_on(LOST, ALICE.id), pen=pen_of(BOB))
    assert told.headline == "recovering: 1 of 2 members has voted to go on"
    assert told.operator == "Ask those to vote who have not: bob."
    assert next_steps(told) == {
        "alice": "wait for other votes",
        "bob": "compare both digests, then vote",
    }
    assert told.is_as_proposed is True


def test_a_proposal_of_other_certificates_is_not_passed_over() -> None:
    assert view("Recovering", decision=go_on(OTHER)).is_as_proposed is False


def test_whose_shares_are_missing_is_said() -> None:
    told = view("WaitingForRecoveryShares", submitted=(ALICE.id,), pen=pen_of(BOB, BOB))
    assert told.headline == "recovering: 1 of 2 shares is there, 1 is missing"
    assert told.operator == "Ask for 1 more share, of bob."
    assert steps(told) == ["done", "done", "done", "now", "later"]
    assert [(each.name, each.holds, each.has_handed_in) for each in told.members] == [
        ("alice", "a share", True),
        ("bob", "the whole key", False),
    ]
    assert next_steps(told)["alice"] == "wait for other shares"
    assert (told.you, told.may_hand_in) == ("Hand in the share.", True)


@pytest.mark.parametrize(
    ("pen", "why_not"),
    [
        (None, "This console has no key of a member: start it with --as MEMBER."),
        (pen_of(ALICE, ALICE), "Your share is there."),
        (
            pen_of(BOB),
            "The key that opens your share is not here: see --decrypt-key.",
        ),
    ],
)
def test_who_cannot_hand_in_a_share_here_is_told_why(
    pen: Pen | None, why_not: str
) -> None:
    told = view("WaitingForRecoveryShares", submitted=(ALICE.id,), pen=pen)
    assert (told.may_hand_in, told.why_not) == (False, why_not)


def test_who_is_not_active_acknowledges_first() -> None:
    members = (Member(id=MemberId(ALICE.id), status="Accepted", role="Participant"),)
    told = view("Recovering", members=members, pen=pen_of(ALICE))
    assert told.you == "Acknowledge first, with ccfpy gov ack."
    assert view("Recovering", members=(), pen=pen_of(ALICE)).you == (
        "Your key is no member's of this service."
    )


def test_an_open_service_says_how_many_shares_would_bring_it_back() -> None:
    never_lost = Seen(
        status="Open",
        nodes=[],
        standing=Standing(threshold=1, holders=[MemberId(ALICE.id)], submitted=[]),
    )
    told = view_of(never_lost, service=service(OTHER.pem), pace=Pace(), now=NOW)
    assert told.headline.endswith("If it were lost, 1 share would bring it back")
    assert (told.is_recovering, told.steps) == (False, ())


def test_a_service_that_came_back_has_all_steps_done() -> None:
    told = view("Open", pen=pen_of(ALICE))
    assert steps(told) == ["done"] * 5
    assert not told.is_recovering
    assert told.operator.startswith("Give users the new certificate")


def reading(recovered: int) -> Progress:
    return Progress(
        id=NodeId("ab"),
        address="127.0.0.1:8000",
        state="ReadingPrivateLedger",
        recovered=recovered,
        target=10_000,
    )


def test_progress_has_a_rate_and_an_end() -> None:
    pace = Pace()
    for second in range(SAMPLES_MAX + 5):
        pace.take(reading(second * 500), float(second))
    waiting = Seen(status="WaitingForRecoveryShares", nodes=[reading(7000)])
    told = view_of(waiting, service=service(OTHER.pem), pace=pace, now=NOW)
    assert told.nodes[0].text == (
        "reads the lost service's private state: 7,000 of 10,000, 500 a second, about "
        "6 s left"
    )
    assert told.headline == "recovering: the nodes read the private state"


@pytest.mark.parametrize(
    ("per_s", "left"), [(100, "100 s"), (10, "17 min"), (1, "3 h"), (0, "")]
)
def test_the_end_is_said_in_fitting_words(per_s: int, left: str) -> None:
    pace = Pace()
    for second in range(3):
        pace.take(reading(second * per_s), float(second))
    waiting = Seen(status="WaitingForRecoveryShares", nodes=[reading(0)])
    told = view_of(waiting, service=service(OTHER.pem), pace=pace, now=NOW)
    _, _, said = told.nodes[0].text.partition("about ")
    assert said == (f"{left} left" if left else "")


def test_a_service_that_does_not_answer_is_no_recovery() -> None:
    told = unread_recovery("no answer", service=service(OTHER.pem), now=NOW)
    assert (told.trouble, told.is_recovering, told.steps) == ("no answer", False, ())
    assert "answers once it has read the public ledger" in told.operator


def test_a_service_that_says_nothing_of_shares_is_told_as_such() -> None:
    waiting = Seen(status="WaitingForRecoveryShares", nodes=[], members=MEMBERS)
    told = view_of(waiting, service=service(OTHER.pem), pace=Pace(), now=NOW)
    assert "does not say whose it has" in told.headline
    assert (told.threshold, told.submitted) == (None, None)
    assert {member.holds for member in told.members} == {"not known"}


@pytest.mark.parametrize(
    ("roles", "spare"),
    [
        (("Participant", "Participant"), 0),
        (("Participant", "Owner"), None),
    ],
)
def test_how_many_shares_may_be_lost_is_told(
    roles: tuple[str, str], spare: int | None
) -> None:
    """An owner's share is the whole key: one alone brings the service back."""
    members = tuple(
        Member(id=MemberId(person.id), status="Active", role=role)
        for person, role in zip((ALICE, BOB), roles, strict=True)
    )
    assert view("Open", members=members).spare == spare
