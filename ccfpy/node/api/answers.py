"""What the node's endpoints answer, as types: their schemas have CCF's names.

``doc/schemas/node_openapi.json`` has the names. A test compares these types with
what a node answers.
"""

from typing import Annotated, Literal, TypeAlias

from ccfpy.base.annotations import (
    U64,
    DescribedAs,
    OrAbsent,
    SchemaName,
    TextFormat,
    described,
)
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.consensus.roles import LeadershipState, MembershipState, RetirementPhase
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.records import PemText
from ccfpy.service.tables.nodes import EvidenceFormat, NetInterface, QuoteFormat
from ccfpy.service.tables.service import Reconfiguration

NodeIdText: TypeAlias = Annotated[
    NodeId, TextFormat("NodeId", pattern="^[a-f0-9]{64}$", format="hex")
]

# The service


@described("GetNetworkInfo__Out")
class NetworkAnswer:
    """The service's status, identity and primary."""

    service_status: ServiceStatus
    service_certificate: PemText
    current_view: U64
    primary_id: NodeIdText
    recovery_count: U64
    service_data: Json
    current_service_create_txid: TxId


@described("GetServicePreviousIdentity__Out")
class PreviousIdentityAnswer:
    """The service's certificate before its last recovery."""

    previous_service_identity: PemText


@described("ServiceConfiguration")
class ServiceConfigurationAnswer:
    """The service's configuration, which members change."""

    recovery_threshold: U64
    consensus: OrAbsent[
        Annotated[Literal["CFT", "BFT"], SchemaName("ConsensusType")]
    ] = None
    maximum_node_certificate_validity_days: OrAbsent[U64] = None
    maximum_service_certificate_validity_days: OrAbsent[U64] = None
    recent_cose_proposals_window_size: OrAbsent[U64] = None
    reconfiguration_type: OrAbsent[Reconfiguration] = None


# Consensus


@described("ConsensusNodeConfig")
class PeerAnswer:
    """Where a node is reached by other nodes."""

    address: str


@described("Configuration__NodeInfo")
class ConfiguredNodeAnswer:
    """A node of a configuration."""

    address: str


@described("Configuration")
class ConfigurationAnswer:
    """A set of nodes, from a seqno on."""

    idx: U64
    nodes: dict[NodeId, ConfiguredNodeAnswer]
    rid: U64


@described("ConsensusDetails__Ack")
class AckAnswer:
    """What a primary last heard from a backup."""

    seqno: U64
    last_received_ms: U64


@described("ConsensusDetails")
class ConsensusDetailsAnswer:
    """The state of consensus on this node."""

    configs: list[ConfigurationAnswer]
    acks: dict[NodeId, AckAnswer]
    membership_state: MembershipState
    retirement_phase: OrAbsent[RetirementPhase] = None
    leadership_state: OrAbsent[LeadershipState] = None
    learners: OrAbsent[dict[NodeId, U64]] = None
    reconfiguration_type: OrAbsent[Reconfiguration] = None
    primary_id: NodeIdText
    current_view: U64
    ticking: bool


@described("ConsensusConfigDetails")
class ConsensusAnswer:
    """The state of consensus on this node, under a name."""

    details: ConsensusDetailsAnswer


# Nodes


@described("GetNode__NodeInfo")
class NodeAnswer:
    """One node of the service."""

    node_id: NodeIdText
    status: NodeStatus
    primary: bool
    rpc_interfaces: dict[str, NetInterface]
    node_data: Json
    last_written: U64


@described("GetNodes__Out")
class NodesAnswer:
    """Nodes of the service."""

    nodes: list[NodeAnswer]


# This node


@described("GetState__Out")
class StateAnswer:
    """How far the node has come."""

    node_id: NodeIdText
    state: Annotated[NodeState, SchemaName("ccf__NodeStartupState")]
    last_signed_seqno: U64
    startup_seqno: U64
    recovery_target_seqno: OrAbsent[U64] = None
    last_recovered_seqno: OrAbsent[U64] = None
    stop_notice: bool


@described("Quote")
class QuoteAnswer:
    """A node's evidence of what it runs."""

    node_id: NodeIdText
    raw: bytes
    endorsements: bytes
    format: Annotated[QuoteFormat, DescribedAs(EvidenceFormat)]
    measurement: OrAbsent[str] = None
    uvm_endorsements: OrAbsent[bytes] = None


@described("Attestation")
class AttestationAnswer(QuoteAnswer):
    """A node's evidence, under the newer name."""


@described("GetQuotes__Out")
class QuotesAnswer:
    """The evidence of every node."""

    quotes: list[QuoteAnswer]


@described("GetAttestations__Out")
class AttestationsAnswer:
    """The evidence of every node, under the newer name."""

    attestations: list[AttestationAnswer]


@described("SelfSignedNodeCertificateInfo")
class SelfSignedAnswer:
    """The node's certificate that nobody endorsed."""

    self_signed_certificate: PemText


@described("GetVersion__Out")
class VersionAnswer:
    """The versions of the node's software."""

    ccf_version: str
    quickjs_version: str
    unsafe: bool


@described("MemoryUsage__Out")
class MemoryAnswer:
    """The node's memory, in bytes."""

    max_total_heap_size: U64
    current_allocated_heap_size: U64
    peak_allocated_heap_size: U64


@described("SessionMetrics__Errors")
class SessionErrorsAnswer:
    """How many requests of an interface failed before they were served."""

    parsing: U64
    request_payload_too_large: U64
    request_header_too_large: U64


@described("SessionMetrics__PerInterface")
class InterfaceMetricsAnswer:
    """The sessions of one interface."""

    active: U64
    peak: U64
    soft_cap: U64
    hard_cap: U64
    errors: SessionErrorsAnswer


@described("SessionMetrics")
class SessionMetricsAnswer:
    """The sessions of all interfaces."""

    active: U64
    peak: U64
    interfaces: dict[str, InterfaceMetricsAnswer]


@described("NodeMetrics")
class MetricsAnswer:
    """What the node counts."""

    sessions: SessionMetricsAnswer


@described("JavaScriptMetrics")
class JavaScriptMetricsAnswer:
    """The JavaScript application, and its limits in bytes and milliseconds."""

    bytecode_size: U64
    bytecode_used: bool
    max_heap_size: U64
    max_stack_size: U64
    max_execution_time: U64
    max_cached_interpreters: U64


@described("JWTRefreshMetrics")
class JwtRefreshAnswer:
    """How often the keys of JWT issuers were fetched."""

    attempts: U64
    failures: U64
    successes: U64
