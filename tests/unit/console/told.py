"""Stories of proposals, as a service tells them."""

from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.gov.definitions import Act, ProposalEvent, ProposalStory
from ccfpy.service.tables.proposals import ProposalState

ALICE, BOB = MemberId("aa" * 32), MemberId("bb" * 32)


def event(
    act: Act, seqno: int, member_id: MemberId | None = None, at: int | None = None
) -> ProposalEvent:
    return ProposalEvent(
        act=act, transactionId=TxId(2, seqno), memberId=member_id, createdAt=at
    )


def story(
    name: str,
    *events: ProposalEvent,
    state: ProposalState = ProposalState.ACCEPTED,
    votes: dict[MemberId, bool] | None = None,
) -> ProposalStory:
    return ProposalStory(
        proposalId=ProposalId(name * 32),
        proposerId=ALICE,
        proposalState=state,
        ballotCount=len(votes or {}),
        finalVotes=votes,
        events=events,
    )


PROPOSED = event(Act.PROPOSED, 10, ALICE, 1_000)
"""By Alice."""
ACCEPTED = story(
    "1a",
    PROPOSED,
    event(Act.VOTED, 12, ALICE, 1_001),
    event(Act.VOTED, 14, BOB, 1_002),
    event(Act.DECIDED, 14),
    votes={ALICE: True, BOB: True},
)
DROPPED = story(
    "2b",
    event(Act.PROPOSED, 11, ALICE, 1_000),
    event(Act.DROPPED, 14),
    state=ProposalState.DROPPED,
)
"""As ``ACCEPTED`` was accepted."""
