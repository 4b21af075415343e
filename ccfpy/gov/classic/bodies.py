"""The bodies of the classic API as types: their schemas have the names of CCF 6.

Where CCF 6's document differs from what CCF 6's nodes returned, these types describe
what they returned: a table by hashes is an object by their hex, and texts are JSON.
"""

from collections.abc import Mapping

from ccfpy.base.annotations import U64, OrAbsent
from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.records import described
from ccfpy.service.records import PemText
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import Failure, MemberIdText, ProposalState


@described("Action")
class ClassicAction:
    """One action of a proposal."""

    name: str
    args: Json


@described("Proposal")
class ClassicProposal:
    """What a proposer signs."""

    actions: list[ClassicAction]


@described("Ballot")
class ClassicBallot:
    """A member's ballot."""

    ballot: str


@described("ProposalInfoSummary")
class ClassicProposalSummary:
    """A proposal, to the member who has just changed it."""

    proposal_id: str
    proposer_id: MemberIdText
    state: ProposalState
    ballot_count: U64
    votes: OrAbsent[Mapping[MemberId, bool]] = None
    vote_failures: OrAbsent[Mapping[MemberId, Failure]] = None
    failure: OrAbsent[Failure] = None


@described("FullMemberDetails")
class ClassicMember:
    """A member, to a reader."""

    status: MemberStatus
    member_data: Json
    cert: PemText
    public_encryption_key: PemText | None


@described("KeyIdInfo")
class ClassicTokenKey:
    """A key that may sign tokens."""

    issuer: str
    cert: PemText
    public_key: OrAbsent[bytes] = None


@described("StateDigest")
class ClassicStateDigest:
    """The root that a member signs."""

    state_digest: str


@described("GetRecoveryShare__Out")
class ClassicShare:
    """A recovery share, encrypted to its member."""

    encrypted_share: str


@described("SubmitRecoveryShare__In")
class ClassicShareSubmission:
    """A recovery share, decrypted by its member."""

    share: str


@described("SubmitRecoveryShare__Out")
class ClassicShareReceived:
    """How far the recovery has come."""

    message: str


# Rows of tables that the service does not read as records
