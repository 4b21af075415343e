"""What the node's endpoints answer, as types: their schemas have CCF's names.

``doc/schemas/node_openapi.json`` has the names (`__schema_name__` where a class has
another). A field whose default is ``LEFT_OUT`` may be absent, and is never null. A test
compares these types with what a node answers.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json
from ccfpy.base.schema import LEFT_OUT, U64, SchemaName, TextFormat
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.consensus.roles import LeadershipState, MembershipState, RetirementPhase
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.records import PemText
from ccfpy.service.tables.nodes import EvidenceFormat, NetInterface
from ccfpy.service.tables.service import Reconfiguration

NodeIdText: TypeAlias = Annotated[
    NodeId, TextFormat("NodeId", pattern="^[a-f0-9]{64}$", format="hex")
]

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
    current_service_create_txid: TxId


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
    reconfiguration_type: Reconfiguration = LEFT_OUT


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
    reconfiguration_type: Reconfiguration = LEFT_OUT
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
class NodeAnswer:
    """One node of the service."""

    __schema_name__: ClassVar[str] = "GetNode__NodeInfo"
    node_id: NodeIdText
    status: NodeStatus
    primary: bool
    rpc_interfaces: dict[str, NetInterface]
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
