"""Proposals, the ballots they got, and the signed requests that made both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, TypeAlias

from ccfpy.base.annotations import REQUIRED, DescribedAs, OrAbsent, TextFormat
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.kv.maps import RAW, STRING, Map
from ccfpy.service.records import JSON, codec_of, form_of, text_key

MemberIdText: TypeAlias = Annotated[
    MemberId, TextFormat("MemberId", pattern="^[a-f0-9]{64}$", format="hex")
]


class ProposalState(StrEnum):
    """The state of a proposal."""

    OPEN = "Open"
    ACCEPTED = "Accepted"
    WITHDRAWN = "Withdrawn"
    REJECTED = "Rejected"
    FAILED = "Failed"
    DROPPED = "Dropped"
    """Dropped by the constitution, when a change made open proposals meaningless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the evaluation of a ballot or a proposal failed."""

    reason: str
    trace: OrAbsent[str] = None

    def __str__(self) -> str:
        """Return CCF's text for an error message."""
        return f"{self.reason}\nTrace: {'N/A' if self.trace is None else self.trace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalInfo:
    """A proposal's progress.

    Attributes:
        ballots: JavaScript by the member who submitted it.
        final_votes: what each ballot said when the proposal left Open.
        vote_failures: ballots that did not evaluate then.
    """

    proposer_id: Annotated[MemberId, DescribedAs(MemberIdText)]
    state: ProposalState = field(default=ProposalState.OPEN, metadata=REQUIRED)
    ballots: Mapping[MemberId, str] = field(default_factory=dict, metadata=REQUIRED)
    final_votes: OrAbsent[Mapping[MemberId, bool]] = None
    vote_failures: OrAbsent[Mapping[MemberId, Failure]] = None
    failure: OrAbsent[Failure] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRequest:
    """A signed request that made a proposal, and who signed the request."""

    proposal_id: ProposalId
    proposer_id: MemberId


FAILURE = form_of(Failure)
_PROPOSAL_ID = text_key(ProposalId)
_MEMBER_ID = text_key(MemberId)

PROPOSALS = Map("public:ccf.gov.proposals", _PROPOSAL_ID, RAW)
"""The proposals as their proposers signed them."""
INFO = Map("public:ccf.gov.proposals_info", _PROPOSAL_ID, codec_of(ProposalInfo))
HISTORY = Map("public:ccf.gov.history", _MEMBER_ID, JSON)
"""Signed HTTP requests of services before COSE."""
COSE_HISTORY = Map("public:ccf.gov.cose_history", _MEMBER_ID, codec_of(bytes))
"""The last signed request of each member."""
COSE_RECENT_PROPOSALS = Map(
    "public:ccf.gov.cose_recent_proposals", STRING, codec_of(ProposalId)
)
"""Recent proposals by time of creation and digest of the signature."""
COSE_RECENT_REQUESTS = Map(
    "public:ccfpy.internal.cose_recent_requests",
    STRING,
    codec_of(RecentRequest),
)
"""The same proposals by time of creation and digest of what was signed.

CCF has no such table. A signature has a second form, so that its digest alone does not
identify a request; and one window for all members can be moved by one of them.
"""
