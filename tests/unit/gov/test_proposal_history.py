"""The index of proposals: what transactions say of them, in order and within bounds."""

import pytest

from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.gov import proposal_history
from ccfpy.gov.definitions import Act
from ccfpy.gov.proposal_history import ProposalHistory
from ccfpy.kv.changes import WriteSet
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

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
