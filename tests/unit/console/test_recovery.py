"""Everybody is told the next step of a recovery, and how far the nodes are."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.ids import MemberId, NodeId, ProposalId
from ccfpy.console.ledger_answers import RecoveryView
from ccfpy.console.recovery import SAMPLES_MAX, Pace, unread_recovery, view_of
from ccfpy.console.recovery_reading import (
    Decision,
    Member,
    Phase,
    Progress,
    Seen,
    Standing,
    read_recovery,
)
from ccfpy.console.service import Service
from ccfpy.console.signing import Pen
from ccfpy.crypto.certs import Certificate
from ccfpy.service.tables.proposals import ProposalInfo
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.recovered import ALICE, BOB, NAMES, pen_of, recovering_node
from tests.unit.console.served import Answer, Page, console_of

if TYPE_CHECKING:
    from ccfpy.base.json import Json


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


def seen(node: InProcessNode, serve: Serve, service_pem: str) -> Seen:
    async def main() -> Seen:
        async with serve(answering(node)) as url, asyncio.timeout(30):
            return await read_recovery(
                Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            )

    return asyncio.run(main())


def test_a_recovery_is_read_from_its_beginning_to_its_end(
    serve: Serve, service_pem: str
) -> None:
    node = recovering_node()
    begun = seen(node, serve, service_pem)
    assert begun.phase is Phase.COMPARE
    assert begun.previous is not None
    assert begun.standing is not None
    assert begun.standing.threshold == 2
    assert {member.id for member in begun.members} == {ALICE.id, BOB.id}
    ask_for_shares(node)
    submit_share(node, ALICE)
    waiting = seen(node, serve, service_pem)
    assert waiting.phase is Phase.SHARES
    assert waiting.standing is not None
    assert waiting.standing.submitted == [ALICE.id]
    assert waiting.standing.missing == 1
    submit_share(node, BOB)
    for _ in range(10):
        node.advance(100)
    assert seen(node, serve, service_pem).phase is Phase.DONE


def test_an_open_proposal_to_go_on_is_found_among_others(
    serve: Serve, service_pem: str
) -> None:
    node = recovering_node()
    previous = seen(node, serve, service_pem).previous
    assert previous is not None
    others: Json = {"name": "trigger_ledger_chunk"}
    go_on: Json = {
        "name": "transition_service_to_open",
        "args": {
            "previous_service_identity": previous.pem,
            "next_service_identity": node.service_certificate,
        },
    }
    for actions in ([others], [others, go_on]):
        path, kind = "members/proposals:create", "proposal"
        assert node.govern(ALICE, path, kind, {"actions": actions}).status == 200
    found = seen(node, serve, service_pem)
    assert found.phase is Phase.VOTE
    assert found.decision is not None
    assert found.decision.previous == previous.pem
    assert found.decision.next == node.service_certificate


def test_a_service_that_was_never_lost_is_at_rest(
    serve: Serve, service_pem: str
) -> None:
    node = hosted(Person.make("alice", can_recover=True))
    found = seen(node, serve, service_pem)
    assert (found.phase, found.previous, found.decision) == (Phase.NONE, None, None)


Act = Callable[[Page], Awaitable[Answer]]
SHARE = "/api/recovery/share"


@pytest.fixture
def node() -> InProcessNode:
    return recovering_node()


@pytest.fixture
def waiting(node: InProcessNode) -> InProcessNode:
    """The node once members have voted to go on."""
    assert ask_for_shares(node).status == 200
    return node


@pytest.fixture
def act(serve: Serve, service_pem: str) -> Callable[..., Answer]:
    """Act at a console's page, by a pen."""

    def acted(node: InProcessNode, pen: Pen | None, acts: Act) -> Answer:
        async def main() -> Answer:
            async with console_of(node, serve, service_pem, pen) as page:
                return await acts(page)

        return asyncio.run(main())

    return acted


def test_a_member_proposes_to_go_on(
    node: InProcessNode, act: Callable[..., Answer]
) -> None:
    made = act(node, pen_of(ALICE), lambda page: page.ask("/api/recovery/proposal", {}))
    assert made.status == 200, made.value
    path = f"/gov/members/proposals/{made.value['id']}/actions"
    told = node.request("GET", f"{path}?api-version=2024-07-01").body
    assert b'"transition_service_to_open"' in told


def test_a_share_is_handed_in_once(
    waiting: InProcessNode, act: Callable[..., Answer]
) -> None:
    async def twice(page: Page) -> Answer:
        first = await page.ask(SHARE, {})
        assert first.status == 200, first.value
        assert first.value["message"].startswith("1/2 recovery shares")
        return await page.ask(SHARE, {})

    again = act(waiting, pen_of(ALICE, ALICE), twice)
    assert again == Answer(
        409, {"error": "your share is there already: once is enough"}
    )


@pytest.mark.parametrize(
    ("pen", "words"),
    [
        (pen_of(ALICE, BOB), "does not open the share"),
        (pen_of(ALICE), "the key that opens the share is not here"),
        (None, "this console only reads"),
    ],
)
def test_who_cannot_open_a_share_hands_in_none(
    waiting: InProcessNode, act: Callable[..., Answer], pen: Pen | None, words: str
) -> None:
    refused = act(waiting, pen, lambda page: page.ask(SHARE, {}))
    assert refused.status == 409
    assert words in refused.value["error"]
    standing = waiting.request("GET", "/gov/ccfpy/recovery").body
    assert b'"submittedMembers":[]' in standing


def test_before_the_vote_no_share_is_taken(
    node: InProcessNode, act: Callable[..., Answer]
) -> None:
    refused = act(node, pen_of(ALICE, ALICE), lambda page: page.ask(SHARE, {}))
    assert refused.status == 502
    assert "not waiting for recovery shares" in refused.value["error"]


def test_a_page_with_keys_of_its_own_gets_a_share_to_open(
    waiting: InProcessNode, act: Callable[..., Answer]
) -> None:
    got = act(waiting, None, lambda page: page.ask(f"{SHARE}/{BOB.id}"))
    assert BOB.encryption_key is not None
    assert BOB.encryption_key.unwrap(base64.b64decode(got.value["share"]))
    nobody = act(waiting, None, lambda page: page.ask(f"{SHARE}/{'0' * 64}"))
    assert nobody.status == 502
    for wrong in ("0" * 65, "..%2f..%2fnode"):
        refused = act(waiting, None, lambda page, id_=wrong: page.ask(f"{SHARE}/{id_}"))
        assert refused.status == 400
