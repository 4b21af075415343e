"""The bodies of the classic API as types: their schemas have the names of CCF 6.

Where CCF 6's document differs from what CCF 6's nodes returned, these types describe
what they returned: a table by hashes is an object by their hex, and texts are JSON.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias

from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.endpoints.answers import (
    LEFT_OUT,
    U32,
    EvidenceFormat,
    InterfaceAnswer,
    PemText,
    ReconfigurationKind,
    TxIdText,
)
from ccfpy.endpoints.declaration import Forwarding, Redirection
from ccfpy.endpoints.schema import U64, Inline, SchemaName, TextFormat
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalState

MemberIdText: TypeAlias = Annotated[
    MemberId, TextFormat("MemberId", pattern="^[a-f0-9]{64}$", format="hex")
]


class ConsensusWord(StrEnum):
    """The consensus of a service; the node's own document has another order."""

    BFT = "BFT"
    CFT = "CFT"


InlineInterface: TypeAlias = Annotated[InterfaceAnswer, Inline()]


@dataclass(frozen=True, kw_only=True)
class ClassicFailure:
    """Why a script failed."""

    __schema_name__: ClassVar[str] = "Failure"
    reason: str
    trace: str = LEFT_OUT


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
class ClassicProposalInfo:
    """A proposal, to a reader."""

    __schema_name__: ClassVar[str] = "ProposalInfo"
    proposer_id: MemberIdText
    state: ProposalState
    ballots: dict[MemberId, str]
    final_votes: dict[MemberId, bool] = LEFT_OUT
    vote_failures: dict[MemberId, ClassicFailure] = LEFT_OUT
    failure: ClassicFailure = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ClassicProposalSummary:
    """A proposal, to the member who has just changed it."""

    __schema_name__: ClassVar[str] = "ProposalInfoSummary"
    proposal_id: str
    proposer_id: MemberIdText
    state: ProposalState
    ballot_count: U64
    votes: dict[MemberId, bool] = LEFT_OUT
    vote_failures: dict[MemberId, ClassicFailure] = LEFT_OUT
    failure: ClassicFailure = LEFT_OUT


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


# Rows of tables


@dataclass(frozen=True, kw_only=True)
class SignedRequestRow:
    """A member's last request, signed as before COSE."""

    __schema_name__: ClassVar[str] = "SignedReq"
    sig: bytes
    req: bytes
    request_body: bytes
    md: Annotated[
        Literal["NONE", "SHA1", "SHA256", "SHA384", "SHA512"], SchemaName("MDType")
    ]
    key_id: str


@dataclass(frozen=True, kw_only=True)
class MemberAckRow:
    """What a member acknowledged."""

    __schema_name__: ClassVar[str] = "MemberAck"
    state_digest: str
    cose_sign1_req: bytes = LEFT_OUT
    signed_req: SignedRequestRow = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    """A member."""

    __schema_name__: ClassVar[str] = "MemberDetails"
    status: MemberStatus
    member_data: Json = LEFT_OUT
    recovery_role: Annotated[RecoveryRole, SchemaName("MemberRecoveryRole")] = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class UserRow:
    """A user."""

    __schema_name__: ClassVar[str] = "UserDetails"
    user_data: Json


@dataclass(frozen=True, kw_only=True)
class QuoteRow:
    """A node's evidence."""

    __schema_name__: ClassVar[str] = "QuoteInfo"
    format: EvidenceFormat
    quote: bytes
    endorsements: bytes
    uvm_endorsements: bytes = LEFT_OUT
    endorsed_tcb: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """A node; CCF 6's document has no name for an interface here."""

    __schema_name__: ClassVar[str] = "NodeInfo"
    node_to_node_interface: InlineInterface
    rpc_interfaces: Annotated[dict[str, InlineInterface], Inline()]
    quote_info: QuoteRow
    encryption_pub_key: PemText
    status: NodeStatus
    cert: PemText = LEFT_OUT
    certificate_signing_request: PemText = LEFT_OUT
    code_digest: str = LEFT_OUT
    ledger_secret_seqno: U64 = LEFT_OUT
    node_data: Json = LEFT_OUT
    public_key: PemText = LEFT_OUT
    retired_committed: bool = LEFT_OUT
    will_locally_seal_ledger_secrets: bool = LEFT_OUT


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
class UvmRow:
    """The least security version of a feed's utility VM image."""

    __schema_name__: ClassVar[str] = "UVMEndorsementsData"
    svn: str


@dataclass(frozen=True, kw_only=True)
class ReuseKey:
    """The key under which an endpoint shares globals."""

    key: str


@dataclass(frozen=True, kw_only=True)
class EndpointRow:
    """An endpoint of the JavaScript application."""

    __schema_name__: ClassVar[str] = "EndpointProperties"
    forwarding_required: Annotated[Forwarding, SchemaName("ForwardingRequired")]
    authn_policies: list[Json]
    interpreter_reuse: Annotated[
        ReuseKey, Inline(one_of=True), SchemaName("InterpreterReusePolicy")
    ] = LEFT_OUT
    js_function: str = LEFT_OUT
    js_module: str = LEFT_OUT
    mode: Annotated[
        Literal["readwrite", "readonly", "historical"], SchemaName("Mode")
    ] = LEFT_OUT
    openapi: Json = LEFT_OUT
    openapi_hidden: bool = LEFT_OUT
    redirection_strategy: Annotated[Redirection, SchemaName("RedirectionStrategy")] = (
        LEFT_OUT
    )


@dataclass(frozen=True, kw_only=True)
class RuntimeOptionsRow:
    """The limits of the JavaScript application, in bytes and milliseconds."""

    __schema_name__: ClassVar[str] = "JSRuntimeOptions"
    log_exception_details: bool = LEFT_OUT
    max_cached_interpreters: U64 = LEFT_OUT
    max_execution_time_ms: U64 = LEFT_OUT
    max_heap_bytes: U64 = LEFT_OUT
    max_stack_bytes: U64 = LEFT_OUT
    return_exception_details: bool = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class IssuerRow:
    """An issuer of tokens."""

    __schema_name__: ClassVar[str] = "JwtIssuerMetadata"
    auto_refresh: bool = LEFT_OUT
    ca_cert_bundle_name: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class TokenKeyRow:
    """A key that may sign tokens."""

    __schema_name__: ClassVar[str] = "OpenIDJWKMetadata"
    issuer: str
    public_key: bytes
    constraint: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class LegacyTokenKeyRow:
    """A certificate that may sign tokens, as before CCF 5."""

    __schema_name__: ClassVar[str] = "OpenIDJWKMetadataLegacy"
    issuer: str
    cert: bytes
    constraint: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ServiceRow:
    """The service."""

    __schema_name__: ClassVar[str] = "ServiceInfo"
    cert: PemText
    status: ServiceStatus
    previous_service_identity_version: U64 = LEFT_OUT
    recovery_count: U64 = LEFT_OUT
    service_data: Json = LEFT_OUT
    current_service_create_txid: TxIdText = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ConfigurationRow:
    """The service's configuration."""

    __schema_name__: ClassVar[str] = "ServiceConfiguration"
    recovery_threshold: U64
    consensus: Annotated[ConsensusWord, SchemaName("ConsensusType")] = LEFT_OUT
    maximum_node_certificate_validity_days: U64 = LEFT_OUT
    maximum_service_certificate_validity_days: U64 = LEFT_OUT
    recent_cose_proposals_window_size: U64 = LEFT_OUT
    reconfiguration_type: ReconfigurationKind = LEFT_OUT
