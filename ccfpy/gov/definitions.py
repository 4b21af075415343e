"""The answers of the governance API as types, from which its documents are made.

Names of schemas are those in CCF's documents, since generated clients have types of
these names; where those documents differ from what CCF's nodes return, these types
describe what they return (``src/node/gov/handlers``). A schema whose name begins with
``_`` is written out where it is used.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from ccfpy.base.annotations import (
    LEFT_OUT,
    DescribedAs,
    IntegerRange,
    OrAbsent,
    SchemaName,
    TextFormat,
    described,
)
from ccfpy.base.ids import MemberId, NodeId, ProposalId, TxId, UserId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.declaration import Forwarding, Redirection
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.nodes import EvidenceFormat, QuoteFormat
from ccfpy.service.tables.proposals import Failure, ProposalState

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


FailureInfo: TypeAlias = Annotated[Failure, SchemaName("Proposals.FailureInfo")]
MemberVotes: TypeAlias = Annotated[
    Mapping[MemberId, bool], SchemaName("Proposals.MemberVotes")
]
VoteFailures: TypeAlias = Annotated[
    Mapping[MemberId, FailureInfo], SchemaName("Proposals.VoteFailures")
]


# Proposals


@described("Acks.StateDigest")
class StateDigestBody:
    """The root that a member signs."""

    memberId: MemberIdName
    stateDigest: Digest


@described("Proposals.Action")
class ActionBody:
    """One action of a proposal."""

    name: str
    args: Json = LEFT_OUT


@described("Proposals.ProposalActions")
class ActionsBody:
    """What a proposer signed."""

    actions: list[ActionBody]


@described("Proposals.Proposal")
class ProposalBody:
    """A proposal."""

    proposalId: ProposalIdName
    proposerId: MemberIdName
    proposalState: Annotated[ProposalState, SchemaName("Proposals.ProposalState")]
    ballotCount: Count
    finalVotes: OrAbsent[MemberVotes] = None
    voteFailures: OrAbsent[VoteFailures] = None
    failure: OrAbsent[FailureInfo] = None


@described("PagedProposal")
class ProposalsPage:
    """Proposals."""

    value: list[ProposalBody]
    nextLink: OrAbsent[Link] = None


# Proposals from the ledger, an extension


class Act(StrEnum):
    """What a transaction did to a proposal."""

    PROPOSED = "Proposed"
    VOTED = "Voted"
    WITHDRAWN = "Withdrawn"
    DECIDED = "Decided"
    """By the constitution, as the last ballot or the proposal itself was counted."""
    DROPPED = "Dropped"
    """By the constitution, as another proposal made it meaningless."""


@described("ProposalEvent")
class ProposalEvent:
    """What a transaction did to a proposal.

    Attributes:
        memberId: who signed the request; nobody signs what the constitution decides.
        createdAt: when the member signed it by its own clock, in seconds since 1970.
    """

    act: Act
    transactionId: TxId
    memberId: OrAbsent[MemberId] = None
    createdAt: OrAbsent[int] = None


@described("ProposalStory")
class ProposalStory:
    """A proposal from its beginning on."""

    proposalId: ProposalId
    proposerId: MemberId
    proposalState: ProposalState
    ballotCount: int
    finalVotes: OrAbsent[dict[MemberId, bool]] = None
    events: tuple[ProposalEvent, ...] = ()


@described("ProposalStories")
class StoriesPage:
    """Proposals, the newest first.

    Attributes:
        indexedUpTo: the last transaction that the answer knows of.
        nextLink: where older proposals are.
    """

    value: list[ProposalStory]
    indexedUpTo: TxId
    nextLink: OrAbsent[str] = None


# Recovery


@described("Recovery.EncryptedRecoveryShare")
class EncryptedShareBody:
    """A recovery share, encrypted to its member."""

    memberId: MemberIdName
    encryptedShare: bytes


@described("Recovery.RecoveryResponse")
class RecoveryBody:
    """How far the recovery has come."""

    message: str
    submittedCount: Count
    recoveryThreshold: Count
    fullKeySubmitted: bool


@described("RecoveryStanding")
class RecoveryStanding:
    """Whose shares have arrived, an extension.

    Attributes:
        recoveryThreshold: how many shares are needed.
        shareholders: who has a share of the last that were issued.
        submittedMembers: whose shares this service was given; none once it has used
            them, or found that they do not fit together.
    """

    recoveryThreshold: Count
    shareholders: list[MemberId]
    submittedMembers: list[MemberId]


@described("Recovery.RecoveryShare")
class ShareBody:
    """A recovery share, as its member signs it."""

    share: bytes


# The service


@described("_configuration")
class ConfigurationBody:
    """The service's configuration."""

    recoveryThreshold: Count
    maximumNodeCertificateValidityDays: Count
    maximumServiceCertificateValidityDays: Count
    recentCoseProposalsWindowSize: Count


@described("ServiceState.ServiceInfo")
class ServiceBody:
    """The service."""

    status: Annotated[ServiceStatus, SchemaName("ServiceState.ServiceStatus")]
    certificate: Pem
    recoveryCount: Count
    creationTransactionId: OrAbsent[TxIdName] = None
    previousServiceCreationTransactionId: OrAbsent[TxIdName] = None
    serviceData: Json = LEFT_OUT
    configuration: OrAbsent[ConfigurationBody] = None


@described("ServiceState.Member")
class MemberBody:
    """A member."""

    memberId: MemberIdName
    status: Annotated[MemberStatus, SchemaName("ServiceState.MemberStatus")]
    recoveryRole: Annotated[RecoveryRole, SchemaName("_recoveryRole")]
    memberData: Json = LEFT_OUT
    certificate: OrAbsent[Pem] = None
    publicEncryptionKey: OrAbsent[Pem] = None


@described("PagedMember")
class MembersPage:
    """Members."""

    value: list[MemberBody]
    nextLink: OrAbsent[Link] = None


@described("ServiceState.User")
class UserBody:
    """A user."""

    userId: UserIdName
    certificate: Pem
    userData: Json = LEFT_OUT


@described("PagedUser")
class UsersPage:
    """Users."""

    value: list[UserBody]
    nextLink: OrAbsent[Link] = None


@described("ServiceState.NetworkInterface")
class InterfaceBody:
    """An interface for clients."""

    publishedAddress: str
    protocol: OrAbsent[str] = None


@described("_details")
class QuoteDetailsBody:
    """What evidence states, in hex."""

    measurement: OrAbsent[str] = None
    reportData: OrAbsent[str] = None
    hostData: OrAbsent[str] = None


@described("ServiceState.QuoteInfo")
class QuoteBody:
    """A node's evidence."""

    format: Annotated[
        QuoteFormat, DescribedAs(Annotated[EvidenceFormat, SchemaName("_quoteFormat")])
    ]
    quote: OrAbsent[bytes] = None
    endorsements: OrAbsent[bytes] = None
    rawQuote: OrAbsent[bytes] = None
    details: Annotated[Json, DescribedAs(QuoteDetailsBody)] = None
    uvmEndorsements: OrAbsent[bytes] = None
    endorsedTcb: OrAbsent[bytes] = None


@described("ServiceState.Node")
class NodeBody:
    """A node."""

    nodeId: NodeIdName
    status: Annotated[NodeStatus, SchemaName("ServiceState.NodeStatus")]
    retiredCommitted: bool
    quoteInfo: QuoteBody
    rpcInterfaces: dict[str, InterfaceBody]
    nodeData: Json = LEFT_OUT
    certificate: OrAbsent[Pem] = None


@described("PagedNode")
class NodesPage:
    """Nodes."""

    value: list[NodeBody]
    nextLink: OrAbsent[Link] = None


# What may join, and whose tokens are accepted


@described("ServiceState.FeedInfo")
class FeedBody:
    """The least security version of a feed's image."""

    svn: str


@described("ServiceState.TcbVersion")
class TcbVersionBody:
    """The least firmware versions of a processor."""

    hexstring: OrAbsent[str] = None
    boot_loader: OrAbsent[int] = None
    tee: OrAbsent[int] = None
    snp: OrAbsent[int] = None
    microcode: OrAbsent[int] = None
    fmc: OrAbsent[int] = None


@described("ServiceState.JoinPolicy")
class SgxPolicyBody:
    """Which SGX enclaves may join."""

    measurements: list[str]


@described("ServiceState.VirtualJoinPolicy")
class VirtualPolicyBody:
    """Which processes may join that no hardware protects."""

    measurements: list[str]
    hostData: list[str]


@described("ServiceState.SnpJoinPolicy")
class SnpPolicyBody:
    """Which SEV-SNP guests may join."""

    measurements: list[str]
    hostData: dict[str, str]
    uvmEndorsements: dict[
        str,
        Annotated[dict[str, FeedBody], SchemaName("ServiceState.UvmEndorsementFeeds")],
    ]
    tcbVersions: dict[str, TcbVersionBody]


@described("ServiceState.JoinPolicies")
class JoinPoliciesBody:
    """Which code may join, by platform."""

    sgx: SgxPolicyBody
    virtual: VirtualPolicyBody
    snp: SnpPolicyBody


@described("ServiceState.Jwk")
class JwkBody:
    """A key that may sign tokens."""

    publicKey: Pem
    issuer: str
    constraint: Json = LEFT_OUT


@described("ServiceState.JwtIssuer")
class IssuerBody:
    """An issuer of tokens."""

    autoRefresh: bool
    caCertBundleName: OrAbsent[str] = None


@described("ServiceState.JwkInfo")
class JwkInfoBody:
    """Whose tokens are accepted, and by which keys."""

    issuers: dict[str, IssuerBody]
    keys: dict[str, list[JwkBody]]
    caCertBundles: dict[str, Bundle]


# The JavaScript application


@described("ServiceState.JsEndpointInfo")
class JsEndpointBody:
    """An endpoint."""

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


@described("ServiceState.JsApp")
class JsAppBody:
    """The endpoints, by path and verb."""

    endpoints: dict[
        str,
        Annotated[dict[str, JsEndpointBody], SchemaName("ServiceState.JsOperations")],
    ]


@described("ServiceState.JsModuleNames")
class JsModuleBody:
    """The name of a module."""

    moduleName: str


@described("PagedJsModuleNames")
class JsModulesPage:
    """The names of modules."""

    value: list[JsModuleBody]
    nextLink: OrAbsent[Link] = None


# Transactions

StatusName: TypeAlias = Annotated[
    TxStatus, SchemaName("Transactions.TransactionStatus")
]


@described("Transactions.Transaction")
class TransactionBody:
    """The status of a transaction."""

    status: StatusName
    transactionId: TxIdName


@described("Transactions.CommittedTransaction")
class CommitBody:
    """The last committed transaction."""

    status: StatusName
    transactionId: TxIdName
