"""The answers of the governance API as types, from which its documents are made.

Names of schemas are those in CCF's documents, since generated clients have types of
these names; where those documents differ from what CCF's nodes return, these types
describe what they return (``src/node/gov/handlers``). A schema whose name begins with
``_`` is written out where it is used.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from ccfpy.base.ids import MemberId, NodeId, ProposalId, UserId
from ccfpy.base.json import Json
from ccfpy.base.schema import LEFT_OUT, IntegerRange, SchemaName, TextFormat
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.declaration import Forwarding, Redirection
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalState

HEX_ID_PATTERN = "^[a-f0-9]{64}$"
TX_ID_PATTERN = "^[0-9]+\\.[0-9]+$"

MemberIdName: TypeAlias = Annotated[
    MemberId, TextFormat("memberId", pattern=HEX_ID_PATTERN)
]
NodeIdName: TypeAlias = Annotated[NodeId, TextFormat("nodeId", pattern=HEX_ID_PATTERN)]
ProposalIdName: TypeAlias = Annotated[
    ProposalId, TextFormat("proposalId", pattern=HEX_ID_PATTERN)
]
UserIdName: TypeAlias = Annotated[UserId, TextFormat("userId", pattern=HEX_ID_PATTERN)]
TxIdName: TypeAlias = Annotated[str, TextFormat("transactionId", pattern=TX_ID_PATTERN)]
Digest: TypeAlias = Annotated[str, TextFormat("_digest", pattern=HEX_ID_PATTERN)]
Count: TypeAlias = Annotated[int, IntegerRange("safeuint", 0, 2**63 - 1)]
Pem: TypeAlias = Annotated[str, TextFormat("ServiceState.pem")]
Bundle: TypeAlias = Annotated[str, TextFormat("ServiceState.caCertBundle")]
Link: TypeAlias = Annotated[str, TextFormat("_link", format="uri")]
Constitution: TypeAlias = Annotated[
    str, TextFormat("ServiceState.ConstitutionResponse")
]
Ballot: TypeAlias = Annotated[str, TextFormat("Proposals.Ballot")]
ModuleSource: TypeAlias = Annotated[str, TextFormat("ServiceState.JsModuleResponse")]


# Proposals


@dataclass(frozen=True, kw_only=True)
class StateDigestBody:
    """The root that a member signs."""

    __schema_name__: ClassVar[str] = "Acks.StateDigest"
    memberId: MemberIdName
    stateDigest: Digest


@dataclass(frozen=True, kw_only=True)
class ActionBody:
    """One action of a proposal."""

    __schema_name__: ClassVar[str] = "Proposals.Action"
    name: str
    args: Json = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ActionsBody:
    """What a proposer signed."""

    __schema_name__: ClassVar[str] = "Proposals.ProposalActions"
    actions: list[ActionBody]


@dataclass(frozen=True, kw_only=True)
class FailureBody:
    """Why a script failed."""

    __schema_name__: ClassVar[str] = "Proposals.FailureInfo"
    reason: str
    trace: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ProposalBody:
    """A proposal."""

    __schema_name__: ClassVar[str] = "Proposals.Proposal"
    proposalId: ProposalIdName
    proposerId: MemberIdName
    proposalState: Annotated[ProposalState, SchemaName("Proposals.ProposalState")]
    ballotCount: Count
    finalVotes: Annotated[dict[str, bool], SchemaName("Proposals.MemberVotes")] = (
        LEFT_OUT
    )
    voteFailures: Annotated[
        dict[str, FailureBody], SchemaName("Proposals.VoteFailures")
    ] = LEFT_OUT
    failure: FailureBody = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ProposalsPage:
    """Proposals."""

    __schema_name__: ClassVar[str] = "PagedProposal"
    value: list[ProposalBody]
    nextLink: Link = LEFT_OUT


# Recovery


@dataclass(frozen=True, kw_only=True)
class EncryptedShareBody:
    """A recovery share, encrypted to its member."""

    __schema_name__: ClassVar[str] = "Recovery.EncryptedRecoveryShare"
    memberId: MemberIdName
    encryptedShare: bytes


@dataclass(frozen=True, kw_only=True)
class RecoveryBody:
    """How far the recovery has come."""

    __schema_name__: ClassVar[str] = "Recovery.RecoveryResponse"
    message: str
    submittedCount: Count
    recoveryThreshold: Count
    fullKeySubmitted: bool


@dataclass(frozen=True, kw_only=True)
class ShareBody:
    """A recovery share, as its member signs it."""

    __schema_name__: ClassVar[str] = "Recovery.RecoveryShare"
    share: bytes


# The service


@dataclass(frozen=True, kw_only=True)
class ConfigurationBody:
    """The service's configuration."""

    __schema_name__: ClassVar[str] = "_configuration"
    recoveryThreshold: Count
    maximumNodeCertificateValidityDays: Count
    maximumServiceCertificateValidityDays: Count
    recentCoseProposalsWindowSize: Count


@dataclass(frozen=True, kw_only=True)
class ServiceBody:
    """The service."""

    __schema_name__: ClassVar[str] = "ServiceState.ServiceInfo"
    status: Annotated[ServiceStatus, SchemaName("ServiceState.ServiceStatus")]
    certificate: Pem
    recoveryCount: Count
    creationTransactionId: TxIdName = LEFT_OUT
    previousServiceCreationTransactionId: TxIdName = LEFT_OUT
    serviceData: Json = LEFT_OUT
    configuration: ConfigurationBody = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class MemberBody:
    """A member."""

    __schema_name__: ClassVar[str] = "ServiceState.Member"
    memberId: MemberIdName
    status: Annotated[MemberStatus, SchemaName("ServiceState.MemberStatus")]
    recoveryRole: Annotated[RecoveryRole, SchemaName("_recoveryRole")]
    memberData: Json = LEFT_OUT
    certificate: Pem = LEFT_OUT
    publicEncryptionKey: Pem = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class MembersPage:
    """Members."""

    __schema_name__: ClassVar[str] = "PagedMember"
    value: list[MemberBody]
    nextLink: Link = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class UserBody:
    """A user."""

    __schema_name__: ClassVar[str] = "ServiceState.User"
    userId: UserIdName
    certificate: Pem
    userData: Json = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class UsersPage:
    """Users."""

    __schema_name__: ClassVar[str] = "PagedUser"
    value: list[UserBody]
    nextLink: Link = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class InterfaceBody:
    """An interface for clients."""

    __schema_name__: ClassVar[str] = "ServiceState.NetworkInterface"
    publishedAddress: str
    protocol: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class QuoteDetailsBody:
    """What evidence states, in hex."""

    __schema_name__: ClassVar[str] = "_details"
    measurement: str = LEFT_OUT
    reportData: str = LEFT_OUT
    hostData: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class QuoteBody:
    """A node's evidence."""

    __schema_name__: ClassVar[str] = "ServiceState.QuoteInfo"
    format: Annotated[
        Literal["OE_SGX_v1", "Insecure_Virtual", "AMD_SEV_SNP_v1"],
        SchemaName("_quoteFormat"),
    ]
    quote: bytes = LEFT_OUT
    endorsements: bytes = LEFT_OUT
    rawQuote: bytes = LEFT_OUT
    details: QuoteDetailsBody = LEFT_OUT
    uvmEndorsements: bytes = LEFT_OUT
    endorsedTcb: bytes = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class NodeBody:
    """A node."""

    __schema_name__: ClassVar[str] = "ServiceState.Node"
    nodeId: NodeIdName
    status: Annotated[NodeStatus, SchemaName("ServiceState.NodeStatus")]
    retiredCommitted: bool
    quoteInfo: QuoteBody
    rpcInterfaces: dict[str, InterfaceBody]
    nodeData: Json = LEFT_OUT
    certificate: Pem = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class NodesPage:
    """Nodes."""

    __schema_name__: ClassVar[str] = "PagedNode"
    value: list[NodeBody]
    nextLink: Link = LEFT_OUT


# What may join, and whose tokens are accepted


@dataclass(frozen=True, kw_only=True)
class FeedBody:
    """The least security version of a feed's image."""

    __schema_name__: ClassVar[str] = "ServiceState.FeedInfo"
    svn: str


@dataclass(frozen=True, kw_only=True)
class TcbVersionBody:
    """The least firmware versions of a processor."""

    __schema_name__: ClassVar[str] = "ServiceState.TcbVersion"
    hexstring: str = LEFT_OUT
    boot_loader: int = LEFT_OUT
    tee: int = LEFT_OUT
    snp: int = LEFT_OUT
    microcode: int = LEFT_OUT
    fmc: int = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class SgxPolicyBody:
    """Which SGX enclaves may join."""

    __schema_name__: ClassVar[str] = "ServiceState.JoinPolicy"
    measurements: list[str]


@dataclass(frozen=True, kw_only=True)
class VirtualPolicyBody:
    """Which processes may join that no hardware protects."""

    __schema_name__: ClassVar[str] = "ServiceState.VirtualJoinPolicy"
    measurements: list[str]
    hostData: list[str]


@dataclass(frozen=True, kw_only=True)
class SnpPolicyBody:
    """Which SEV-SNP guests may join."""

    __schema_name__: ClassVar[str] = "ServiceState.SnpJoinPolicy"
    measurements: list[str]
    hostData: dict[str, str]
    uvmEndorsements: dict[
        str,
        Annotated[dict[str, FeedBody], SchemaName("ServiceState.UvmEndorsementFeeds")],
    ]
    tcbVersions: dict[str, TcbVersionBody]


@dataclass(frozen=True, kw_only=True)
class JoinPoliciesBody:
    """Which code may join, by platform."""

    __schema_name__: ClassVar[str] = "ServiceState.JoinPolicies"
    sgx: SgxPolicyBody
    virtual: VirtualPolicyBody
    snp: SnpPolicyBody


@dataclass(frozen=True, kw_only=True)
class JwkBody:
    """A key that may sign tokens."""

    __schema_name__: ClassVar[str] = "ServiceState.Jwk"
    publicKey: Pem
    issuer: str
    constraint: Json = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class IssuerBody:
    """An issuer of tokens."""

    __schema_name__: ClassVar[str] = "ServiceState.JwtIssuer"
    autoRefresh: bool
    caCertBundleName: str = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class JwkInfoBody:
    """Whose tokens are accepted, and by which keys."""

    __schema_name__: ClassVar[str] = "ServiceState.JwkInfo"
    issuers: dict[str, IssuerBody]
    keys: dict[str, list[JwkBody]]
    caCertBundles: dict[str, Bundle]


# The JavaScript application


@dataclass(frozen=True, kw_only=True)
class JsEndpointBody:
    """An endpoint."""

    __schema_name__: ClassVar[str] = "ServiceState.JsEndpointInfo"
    jsModule: str
    jsFunction: str
    forwardingRequired: Annotated[
        Forwarding, SchemaName("ServiceState.ForwardingRequired")
    ]
    redirectionStrategy: Annotated[Redirection, SchemaName("_redirectionStrategy")]
    authnPolicies: list[Json]
    mode: Annotated[
        Literal["readwrite", "readonly", "historical"],
        SchemaName("ServiceState.JsExecMode"),
    ]
    openApi: Json


@dataclass(frozen=True, kw_only=True)
class JsAppBody:
    """The endpoints, by path and verb."""

    __schema_name__: ClassVar[str] = "ServiceState.JsApp"
    endpoints: dict[
        str,
        Annotated[dict[str, JsEndpointBody], SchemaName("ServiceState.JsOperations")],
    ]


@dataclass(frozen=True, kw_only=True)
class JsModuleBody:
    """The name of a module."""

    __schema_name__: ClassVar[str] = "ServiceState.JsModuleNames"
    moduleName: str


@dataclass(frozen=True, kw_only=True)
class JsModulesPage:
    """The names of modules."""

    __schema_name__: ClassVar[str] = "PagedJsModuleNames"
    value: list[JsModuleBody]
    nextLink: Link = LEFT_OUT


# Transactions

StatusName: TypeAlias = Annotated[
    TxStatus, SchemaName("Transactions.TransactionStatus")
]


@dataclass(frozen=True, kw_only=True)
class TransactionBody:
    """The status of a transaction."""

    __schema_name__: ClassVar[str] = "Transactions.Transaction"
    status: StatusName
    transactionId: TxIdName


@dataclass(frozen=True, kw_only=True)
class CommitBody:
    """The last committed transaction."""

    __schema_name__: ClassVar[str] = "Transactions.CommittedTransaction"
    status: StatusName
    transactionId: TxIdName
