"""What the node's endpoints answer, as types: their schemas have CCF's names.

``doc/schemas/node_openapi.json`` has the names (`__schema_name__` where a class has
another). A field whose default is ``LEFT_OUT`` may be absent, and is never null. A test
compares these types with what a node answers.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.consensus.roles import LeadershipState, MembershipState, RetirementPhase
from ccfpy.endpoints.schema import U64, IntegerRange, SchemaName, TextFormat
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.tables.nodes import Authority

LEFT_OUT: Final[Any] = None
"""The default of a field that an answer may lack."""

U32: TypeAlias = Annotated[int, IntegerRange("uint32", 0, 2**32 - 1)]
NodeIdText: TypeAlias = Annotated[
    NodeId, TextFormat("NodeId", pattern="^[a-f0-9]{64}$", format="hex")
]
PemText: TypeAlias = Annotated[str, TextFormat("Pem")]
SizeText: TypeAlias = Annotated[
    str, TextFormat("TimeString", pattern="^[0-9]+(B|KB|MB|GB|TB|PB)?$")
]
"""A number of bytes with a unit; CCF's document calls it so."""
TxIdText: TypeAlias = Annotated[
    str, TextFormat("TransactionId", pattern=r"^[0-9]+\.[0-9]+$")
]
ReconfigurationKind: TypeAlias = Annotated[
    Literal["OneTransaction", "TwoTransaction"], SchemaName("ReconfigurationType")
]
EvidenceFormat: TypeAlias = Annotated[
    Literal["OE_SGX_v1", "Insecure_Virtual", "AMD_SEV_SNP_v1"],
    SchemaName("QuoteFormat"),
]
"""The formats that CCF knows: documents state no other."""


# The service


@dataclass(frozen=True, kw_only=True)
class NetworkAnswer:
    """The service's status, identity and primary."""

    __schema_name__: ClassVar[str] = "GetNetworkInfo__Out"
    service_status: ServiceStatus
    service_certificate: PemText
    current_view: U64
    primary_id: NodeIdText
    recovery_count: U64
    service_data: Json
    current_service_create_txid: TxIdText


@dataclass(frozen=True, kw_only=True)
class PreviousIdentityAnswer:
    """The service's certificate before its last recovery."""

    __schema_name__: ClassVar[str] = "GetServicePreviousIdentity__Out"
    previous_service_identity: PemText


@dataclass(frozen=True, kw_only=True)
class ServiceConfigurationAnswer:
    """The service's configuration, which members change."""

    __schema_name__: ClassVar[str] = "ServiceConfiguration"
    recovery_threshold: U64
    consensus: Annotated[Literal["CFT", "BFT"], SchemaName("ConsensusType")] = LEFT_OUT
    maximum_node_certificate_validity_days: U64 = LEFT_OUT
    maximum_service_certificate_validity_days: U64 = LEFT_OUT
    recent_cose_proposals_window_size: U64 = LEFT_OUT
    reconfiguration_type: ReconfigurationKind = LEFT_OUT


# Consensus


@dataclass(frozen=True, kw_only=True)
class PeerAnswer:
    """Where a node is reached by other nodes."""

    __schema_name__: ClassVar[str] = "ConsensusNodeConfig"
    address: str


@dataclass(frozen=True, kw_only=True)
class ConfiguredNodeAnswer:
    """A node of a configuration."""

    __schema_name__: ClassVar[str] = "Configuration__NodeInfo"
    address: str


@dataclass(frozen=True, kw_only=True)
class ConfigurationAnswer:
    """A set of nodes, from a seqno on."""

    __schema_name__: ClassVar[str] = "Configuration"
    idx: U64
    nodes: dict[NodeId, ConfiguredNodeAnswer]
    rid: U64


@dataclass(frozen=True, kw_only=True)
class AckAnswer:
    """What a primary last heard from a backup."""

    __schema_name__: ClassVar[str] = "ConsensusDetails__Ack"
    seqno: U64
    last_received_ms: U64


@dataclass(frozen=True, kw_only=True)
class ConsensusDetailsAnswer:
    """The state of consensus on this node."""

    __schema_name__: ClassVar[str] = "ConsensusDetails"
    configs: list[ConfigurationAnswer]
    acks: dict[NodeId, AckAnswer]
    membership_state: MembershipState
    retirement_phase: RetirementPhase = LEFT_OUT
    leadership_state: LeadershipState = LEFT_OUT
    learners: dict[NodeId, U64] = LEFT_OUT
    reconfiguration_type: ReconfigurationKind = LEFT_OUT
    primary_id: NodeIdText
    current_view: U64
    ticking: bool


@dataclass(frozen=True, kw_only=True)
class ConsensusAnswer:
    """The state of consensus on this node, under a name."""

    __schema_name__: ClassVar[str] = "ConsensusConfigDetails"
    details: ConsensusDetailsAnswer


# Nodes


@dataclass(frozen=True, kw_only=True)
class EndorsementAnswer:
    """Who endorses an interface's certificate."""

    __schema_name__: ClassVar[str] = "Endorsement"
    authority: Authority


@dataclass(frozen=True, kw_only=True)
class ParserAnswer:
    """The limits of HTTP on an interface."""

    __schema_name__: ClassVar[str] = "ParserConfiguration"
    max_body_size: SizeText = LEFT_OUT
    max_header_size: SizeText = LEFT_OUT
    max_headers_count: U32 = LEFT_OUT
    initial_window_size: SizeText = LEFT_OUT
    max_concurrent_streams_count: U64 = LEFT_OUT
    max_frame_size: SizeText = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class ResolverAnswer:
    """How the target of a redirection is found."""

    __schema_name__: ClassVar[str] = "RedirectionResolverConfig"
    kind: Annotated[
        Literal["NodeByRole", "StaticAddress"], SchemaName("RedirectionResolutionKind")
    ]
    target: Json = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class RedirectionsAnswer:
    """Where an interface redirects what it does not serve."""

    __schema_name__: ClassVar[str] = "NodeInfoNetwork_v2__NetInterface__Redirections"
    to_primary: ResolverAnswer = LEFT_OUT
    to_backup: ResolverAnswer = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class InterfaceAnswer:
    """An interface for clients."""

    __schema_name__: ClassVar[str] = "NodeInfoNetwork_v2__NetInterface"
    bind_address: str
    published_address: str = LEFT_OUT
    protocol: str = LEFT_OUT
    app_protocol: str = LEFT_OUT
    max_open_sessions_soft: U64 = LEFT_OUT
    max_open_sessions_hard: U64 = LEFT_OUT
    forwarding_timeout_ms: U64 = LEFT_OUT
    endorsement: EndorsementAnswer = LEFT_OUT
    http_configuration: ParserAnswer = LEFT_OUT
    accepted_endpoints: list[str] = LEFT_OUT
    redirections: RedirectionsAnswer = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class NodeAnswer:
    """One node of the service."""

    __schema_name__: ClassVar[str] = "GetNode__NodeInfo"
    node_id: NodeIdText
    status: NodeStatus
    primary: bool
    rpc_interfaces: dict[str, InterfaceAnswer]
    node_data: Json
    last_written: U64


@dataclass(frozen=True, kw_only=True)
class NodesAnswer:
    """Nodes of the service."""

    __schema_name__: ClassVar[str] = "GetNodes__Out"
    nodes: list[NodeAnswer]


# This node


@dataclass(frozen=True, kw_only=True)
class StateAnswer:
    """How far the node has come."""

    __schema_name__: ClassVar[str] = "GetState__Out"
    node_id: NodeIdText
    state: Annotated[NodeState, SchemaName("ccf__NodeStartupState")]
    last_signed_seqno: U64
    startup_seqno: U64
    recovery_target_seqno: U64 = LEFT_OUT
    last_recovered_seqno: U64 = LEFT_OUT
    stop_notice: bool


@dataclass(frozen=True, kw_only=True)
class QuoteAnswer:
    """A node's evidence of what it runs."""

    __schema_name__: ClassVar[str] = "Quote"
    node_id: NodeIdText
    raw: bytes
    endorsements: bytes
    format: EvidenceFormat
    measurement: str = LEFT_OUT
    uvm_endorsements: bytes = LEFT_OUT


@dataclass(frozen=True, kw_only=True)
class AttestationAnswer(QuoteAnswer):
    """A node's evidence, under the newer name."""

    __schema_name__: ClassVar[str] = "Attestation"


@dataclass(frozen=True, kw_only=True)
class QuotesAnswer:
    """The evidence of every node."""

    __schema_name__: ClassVar[str] = "GetQuotes__Out"
    quotes: list[QuoteAnswer]


@dataclass(frozen=True, kw_only=True)
class AttestationsAnswer:
    """The evidence of every node, under the newer name."""

    __schema_name__: ClassVar[str] = "GetAttestations__Out"
    attestations: list[AttestationAnswer]


@dataclass(frozen=True, kw_only=True)
class SelfSignedAnswer:
    """The node's certificate that nobody endorsed."""

    __schema_name__: ClassVar[str] = "SelfSignedNodeCertificateInfo"
    self_signed_certificate: PemText


@dataclass(frozen=True, kw_only=True)
class VersionAnswer:
    """The versions of the node's software."""

    __schema_name__: ClassVar[str] = "GetVersion__Out"
    ccf_version: str
    quickjs_version: str
    unsafe: bool


@dataclass(frozen=True, kw_only=True)
class MemoryAnswer:
    """The node's memory, in bytes."""

    __schema_name__: ClassVar[str] = "MemoryUsage__Out"
    max_total_heap_size: U64
    current_allocated_heap_size: U64
    peak_allocated_heap_size: U64


@dataclass(frozen=True, kw_only=True)
class SessionErrorsAnswer:
    """How many requests of an interface failed before they were served."""

    __schema_name__: ClassVar[str] = "SessionMetrics__Errors"
    parsing: U64
    request_payload_too_large: U64
    request_header_too_large: U64


@dataclass(frozen=True, kw_only=True)
class InterfaceMetricsAnswer:
    """The sessions of one interface."""

    __schema_name__: ClassVar[str] = "SessionMetrics__PerInterface"
    active: U64
    peak: U64
    soft_cap: U64
    hard_cap: U64
    errors: SessionErrorsAnswer


@dataclass(frozen=True, kw_only=True)
class SessionMetricsAnswer:
    """The sessions of all interfaces."""

    __schema_name__: ClassVar[str] = "SessionMetrics"
    active: U64
    peak: U64
    interfaces: dict[str, InterfaceMetricsAnswer]


@dataclass(frozen=True, kw_only=True)
class MetricsAnswer:
    """What the node counts."""

    __schema_name__: ClassVar[str] = "NodeMetrics"
    sessions: SessionMetricsAnswer


@dataclass(frozen=True, kw_only=True)
class JavaScriptMetricsAnswer:
    """The JavaScript application, and its limits in bytes and milliseconds."""

    __schema_name__: ClassVar[str] = "JavaScriptMetrics"
    bytecode_size: U64
    bytecode_used: bool
    max_heap_size: U64
    max_stack_size: U64
    max_execution_time: U64
    max_cached_interpreters: U64


@dataclass(frozen=True, kw_only=True)
class JwtRefreshAnswer:
    """How often the keys of JWT issuers were fetched."""

    __schema_name__: ClassVar[str] = "JWTRefreshMetrics"
    attempts: U64
    failures: U64
    successes: U64
