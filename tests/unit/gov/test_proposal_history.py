"""Proposals from the ledger: in order, within bounds, and from every node."""

import pytest

from ccfpy.base import json
from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.share import constitution
from ccfpy.crypto import cose
from ccfpy.gov import proposal_history
from ccfpy.gov.definitions import Act
from ccfpy.gov.proposal_history import ProposalHistory
from ccfpy.http.messages import Response
from ccfpy.kv.changes import WriteSet
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.node.conftest import NotesApp
from tests.unit.node.recovered import status, wait
from tests.unit.node.startup.test_start import began_after, fetching

ALICE, BOB = MemberId("a" * 64), MemberId("b" * 64)
BALLOT = "export function vote () { return true }"


def proposal(number: int) -> ProposalId:
    return ProposalId(f"{number:064x}")


def writes(
    number: int,
    state: ProposalState = ProposalState.OPEN,
    *voters: MemberId,
    is_new: bool = False,
) -> WriteSet:
    info = ProposalInfo(
        proposer_id=ALICE, state=state, ballots=dict.fromkeys(voters, BALLOT)
    )
    key = proposals.INFO.key_codec.encode(proposal(number))
    row = {key: proposals.INFO.value_codec.encode(info)}
    body = {key: b'{"actions": []}'} if is_new else {}
    return {proposals.INFO.name: row, proposals.PROPOSALS.name: body}


def told(*transactions: WriteSet) -> ProposalHistory:
    history = ProposalHistory()
    for seqno, changes in enumerate(transactions, 1):
        history.take(TxId(2, seqno), changes)
    return history


def acts(history: ProposalHistory, number: int) -> list[tuple[Act, str, object]]:
    story = history.story(proposal(number))
    assert story is not None
    return [(e.act, str(e.transactionId), e.memberId) for e in story.events]


def test_each_act_is_told_with_its_transaction() -> None:
    open_, accepted = ProposalState.OPEN, ProposalState.ACCEPTED
    history = told(
        writes(1, open_, is_new=True),
        {},
        writes(1, open_, BOB),
        writes(1, accepted, BOB, ALICE),
    )
    assert acts(history, 1) == [
        (Act.PROPOSED, "2.1", ALICE),
        (Act.VOTED, "2.3", BOB),
        (Act.VOTED, "2.4", ALICE),
        (Act.DECIDED, "2.4", None),
    ]
    story = history.story(proposal(1))
    assert story is not None
    assert (story.proposalState, story.ballotCount) == (accepted, 2)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (ProposalState.WITHDRAWN, (Act.WITHDRAWN, "2.2", ALICE)),
        (ProposalState.DROPPED, (Act.DROPPED, "2.2", None)),
        (ProposalState.REJECTED, (Act.DECIDED, "2.2", None)),
    ],
)
def test_every_ending_is_told(
    state: ProposalState, event: tuple[Act, str, object]
) -> None:
    history = told(writes(1, is_new=True), writes(1, state))
    assert acts(history, 1)[-1] == event


def test_a_proposal_that_is_accepted_at_once_has_two_events() -> None:
    history = told(writes(1, ProposalState.ACCEPTED, is_new=True))
    assert [act for act, *_ in acts(history, 1)] == [Act.PROPOSED, Act.DECIDED]


def test_what_the_tables_forget_stays() -> None:
    key = proposals.INFO.key_codec.encode(proposal(1))
    forgotten: WriteSet = {proposals.INFO.name: {key: None}}
    history = told(writes(1, is_new=True), forgotten)
    assert len(acts(history, 1)) == 1


def test_pages_go_from_the_newest_to_the_oldest() -> None:
    history = told(*(writes(number, is_new=True) for number in range(1, 6)))
    stories, older = history.latest(2)
    assert [story.proposalId for story in stories] == [proposal(5), proposal(4)]
    assert older == 4
    stories, older = history.latest(3, before=older)
    assert [story.proposalId for story in stories] == list(map(proposal, (3, 2, 1)))
    assert older is None
    assert history.latest(2, before=1) == ([], None)


def test_the_oldest_are_dropped_when_events_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proposal_history, "EVENTS_MAX", 3)
    open_ = ProposalState.OPEN
    made = [writes(number, is_new=True) for number in (1, 2, 3)]
    history = told(*made)
    assert history.story(proposal(1)) is not None, "three may be kept"
    history = told(*made, writes(3, open_, BOB), writes(1, open_, BOB))
    assert history.story(proposal(1)) is None, "nor does it come back as a new one"
    assert len(acts(history, 3)) == 2


def test_ballots_are_not_kept() -> None:
    """Each may be as long as a request, and the ledger has it."""
    history = told(writes(1, is_new=True), writes(1, ProposalState.OPEN, BOB))
    assert dict(history._told[proposal(1)].info.ballots) == {BOB: ""}


def test_a_row_that_no_node_writes_is_passed_over() -> None:
    history = told({proposals.INFO.name: {b"\xff": b"{", b"ab": b"[]"}})
    assert history.latest(9) == ([], None)
    assert history.indexed_up_to == TxId(2, 1)


def test_transactions_are_wanted_as_far_as_somebody_asked() -> None:
    history = ProposalHistory()
    wanted = [history.next_requested]
    history.extend_to(2)
    history.extend_to(1)
    for seqno in (1, 2):
        wanted.append(history.next_requested)
        history.take(TxId(2, seqno), {})
    assert [*wanted, history.next_requested] == [None, 1, 2, None]
    assert history.describe() == {"indexed_watermark": "2.2", "proposals": 0}


PATH = "/gov/ccfpy/proposals"
SNAPSHOT: Json = {"name": "trigger_snapshot", "args": {}}


@pytest.fixture
def node() -> InProcessNode:
    scripts = [path.read_text() for path in constitution("default")]
    members = [Person.make(f"member{n}", can_recover=True) for n in range(2)]
    made = InProcessNode(NotesApp(), constitution="\n".join(scripts), members=members)
    made.open_service()
    return made


def ask(node: InProcessNode, path: str) -> Response:
    """Ask once everything is signed and indexed."""
    for _ in range(20):
        node.advance(1000)
        reply = node.request("GET", path)
        if reply.status != 202:
            return reply
    pytest.fail("the node never had read so far")


def stories(node: InProcessNode, query: str = "") -> list[JsonObject]:
    reply = ask(node, PATH + query)
    assert reply.status == 200, reply.body
    found = json.loads_object(reply.body)["value"]
    assert isinstance(found, list)
    return [story for story in found if isinstance(story, dict)]


def propose(node: InProcessNode) -> str:
    reply = node.propose(SNAPSHOT)
    assert reply.status == 200, reply.body
    return str(json.loads_object(reply.body)["proposalId"])


def test_closed_proposals_are_told_with_who_did_what_when(node: InProcessNode) -> None:
    first, second = propose(node), propose(node)
    forgotten = node.request("GET", f"/gov/members/proposals/{first}?{VERSION}")
    assert forgotten.status == 404, "CCF's own endpoint keeps the last alone"
    found = stories(node)
    assert [story["proposalId"] for story in found[:2]] == [second, first]
    story = json.loads_object(ask(node, f"{PATH}/{first}").body)
    assert story == found[1]
    one, other = (member.id for member in node.members)
    assert story["proposalState"] == "Accepted"
    assert story["finalVotes"] == {one: True, other: True}
    events = story["events"]
    assert isinstance(events, list)
    told = [event for event in events if isinstance(event, dict)]
    assert [(event["act"], event.get("memberId")) for event in told] == [
        ("Proposed", one),
        ("Voted", one),
        ("Voted", other),
        ("Decided", None),
    ]
    times = [event["createdAt"] for event in told[:3]]
    assert times == sorted(times, key=str)
    assert all(isinstance(time, int) for time in times)


def test_the_signed_requests_of_a_closed_proposal_can_be_had(
    node: InProcessNode,
) -> None:
    first, _ = propose(node), propose(node)
    events = json.loads_object(ask(node, f"{PATH}/{first}").body)["events"]
    assert isinstance(events, list)
    payloads = []
    for event in events[:2]:
        assert isinstance(event, dict)
        reply = ask(node, f"/gov/ccfpy/requests/{event['transactionId']}")
        assert reply.headers["content-type"] == "application/cose"
        message = cose.parse(reply.body)
        message.verify(node.members[0].certificate.public_key)
        payloads.append(json.loads_object(message.payload or b""))
    assert payloads[0] == {"actions": [SNAPSHOT]}
    assert list(payloads[1]) == ["ballot"]


def test_a_node_that_has_not_read_so_far_says_so(node: InProcessNode) -> None:
    propose(node)
    node.advance(1000)
    reply = node.request("GET", PATH)
    assert (reply.status, "retry-after" in reply.headers) == (202, True)
    assert ask(node, PATH).status == 200


def test_a_long_list_comes_in_pages(
    node: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposal_history, "PAGE_MAX", 2)
    made = [propose(node) for _ in range(3)]
    page = json.loads_object(ask(node, PATH).body)
    link = str(page["nextLink"])
    assert link.startswith(f"{PATH}?before=")
    older = stories(node, link.removeprefix(PATH))
    assert older[0]["proposalId"] == made[0]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{PATH}/{'0' * 64}", 404, "ProposalNotFound"),
        (f"{PATH}/x", 400, "InvalidResourceName"),
        (f"{PATH}?before=x", 400, "InvalidQueryParameterValue"),
        ("/gov/ccfpy/requests/2.", 400, "InvalidResourceName"),
        ("/gov/ccfpy/requests/2.99999", 404, "TransactionPendingOrUnknown"),
        ("/gov/ccfpy/requests/1.1", 404, "TransactionInvalid"),
        ("/gov/ccfpy/requests/2.1", 404, "ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_refused(
    node: InProcessNode, path: str, status: int, code: str
) -> None:
    reply = ask(node, path)
    assert reply.status == status, reply.body
    error = json.loads_object(reply.body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == code


VERSION = "api-version=2024-07-01"


def test_documents_and_ccfs_answers_are_as_before(node: InProcessNode) -> None:
    for path in ("/gov/api", f"/gov/api?{VERSION}"):
        assert b"ccfpy/proposals" not in node.request("GET", path).body


NOT_YET = 202
RULES = "\n".join(path.read_text() for path in constitution("default"))


def _members() -> list[Person]:
    return [Person.make(f"member{n}", can_recover=True) for n in range(2)]


def _ids(node: InProcessNode) -> list[object]:
    return [story["proposalId"] for story in stories(node)]


@pytest.mark.slow
def test_a_recovered_service_tells_what_the_lost_one_decided() -> None:
    members = _members()
    lost = InProcessNode(NotesApp(), constitution=RULES, members=members)
    lost.open_service()
    made = [propose(lost) for _ in range(2)]
    wait(lost)
    recovered = recover_alone(lost.remains(), NotesApp(), members=members)
    ask_for_shares(recovered)
    for member in members:
        submit_share(recovered, member)
        wait(recovered)
    assert status(recovered) == "Open"
    newest = propose(recovered)
    told = _ids(recovered)
    assert told[0] == newest
    assert [each for each in told if each in made] == made[::-1]
    story = json.loads_object(ask(recovered, f"{PATH}/{made[0]}").body)
    assert story["proposalState"] == "Accepted"


@pytest.mark.slow
def test_a_node_that_began_with_a_snapshot_needs_the_files_before_it() -> None:
    network = Network(
        NotesApp(), constitution=RULES, members=_members(), configure=fetching
    )
    first = network.start()
    first.open_service()
    made = propose(first)
    first.propose(SNAPSHOT)
    network.wait_until(lambda: len(first.host.snapshots.committed()) >= 2)
    joiner = network.join()
    network.deliver()
    first.trust(joiner)
    network.wait_until(lambda: joiner.host.commit == first.host.commit)
    assert began_after(joiner) > 0

    def asked() -> Response:
        """Ask while the node may still be reading."""
        for _ in range(5):
            network.advance(1000)
            reply = joiner.request("GET", f"{PATH}/{made}")
            if reply.status != NOT_YET:
                return reply
        return joiner.request("GET", f"{PATH}/{made}")

    assert asked().status == NOT_YET
    network.wait_until(lambda: joiner.host.commit == first.host.commit)
    joiner.host.after, joiner.host.entries = 0, list(first.host.entries)
    reply = asked()
    assert reply.status == 200, reply.body
    story = json.loads_object(reply.body)
    assert story["proposalState"] == "Accepted"
