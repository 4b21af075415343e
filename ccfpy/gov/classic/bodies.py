"""The bodies of the classic API as types: their schemas have the names of CCF 6.

Where CCF 6's document differs from what CCF 6's nodes returned, these types describe
what they returned: a table by hashes is an object by their hex, and texts are JSON.
"""

from dataclasses import dataclass
from typing import ClassVar

from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.schema import LEFT_OUT, U32, U64
from ccfpy.service.records import PemText
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import Failure, MemberIdText, ProposalState


@dataclass(frozen=True, kw_only=True)
class ClassicAction:
    """One action of a proposal."""

    __schema_name__: ClassVar[str] = "Action"
    name: str
    args: Json


@dataclass(frozen=True, kw_only=True)
class ClassicProposal:
    """What a proposer signs."""

    __schema_name__: ClassVar[str] = "Proposal"
    actions: list[ClassicAction]


@dataclass(frozen=True, kw_only=True)
class ClassicBallot:
    """A member's ballot."""

    __schema_name__: ClassVar[str] = "Ballot"
    ballot: str


@dataclass(frozen=True, kw_only=True)
class ClassicProposalSummary:
    """A proposal, to the member who has just changed it."""

    __schema_name__: ClassVar[str] = "ProposalInfoSummary"
    proposal_id: str
    proposer_id: MemberIdText
    state: ProposalState
    ballot_count: U64
    votes: dict[MemberId, bool] = LEFT_OUT
    vote_failures: dict[MemberId, Failure] = LEFT_OUT
    failure: Failure = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ClassicMember:
    """A member, to a reader."""

    __schema_name__: ClassVar[str] = "FullMemberDetails"
    status: MemberStatus
    member_data: Json
    cert: PemText
    public_encryption_key: PemText | None


@dataclass(frozen=True, kw_only=True)
class ClassicTokenKey:
    """A key that may sign tokens."""

    __schema_name__: ClassVar[str] = "KeyIdInfo"
    issuer: str
    cert: PemText
    public_key: bytes = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ClassicStateDigest:
    """The root that a member signs."""

    __schema_name__: ClassVar[str] = "StateDigest"
    state_digest: str


@dataclass(frozen=True, kw_only=True)
class ClassicShare:
    """A recovery share, encrypted to its member."""

    __schema_name__: ClassVar[str] = "GetRecoveryShare__Out"
    encrypted_share: str


@dataclass(frozen=True, kw_only=True)
class ClassicShareSubmission:
    """A recovery share, decrypted by its member."""

    __schema_name__: ClassVar[str] = "SubmitRecoveryShare__In"
    share: str


@dataclass(frozen=True, kw_only=True)
class ClassicShareReceived:
    """How far the recovery has come."""

    __schema_name__: ClassVar[str] = "SubmitRecoveryShare__Out"
    message: str


# Rows of tables that the service does not read as records


@dataclass(frozen=True, kw_only=True)
class TcbVersionRow:
    """The least firmware versions of a processor."""

    __schema_name__: ClassVar[str] = "TcbVersionPolicy"
    hexstring: str = LEFT_OUT
    boot_loader: U32 = LEFT_OUT
    tee: U32 = LEFT_OUT
    snp: U32 = LEFT_OUT
    microcode: U32 = LEFT_OUT
    fmc: U32 = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class LegacyTokenKeyRow:
    """A certificate that may sign tokens, as before CCF 5."""

    __schema_name__: ClassVar[str] = "OpenIDJWKMetadataLegacy"
    issuer: str
    cert: bytes
    constraint: str = LEFT_OUT
