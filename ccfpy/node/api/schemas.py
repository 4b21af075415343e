"""What the node's endpoints answer, as named schemas of OpenAPI.

A row names a schema as CCF does (``doc/schemas/node_openapi.json``) and says what it is
made of: other rows. ``Y_array`` is a list of ``Y``, and ``X_to_Y`` an object with a
``Y`` under each name. A test compares them with what a node answers.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ccfpy.base.json import Json, JsonObject
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.consensus.roles import (
    LeadershipState,
    MembershipState,
    RetirementPhase,
)
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.tables.nodes import CCF_QUOTE_FORMATS

_REFERENCE = "#/components/schemas/"


class ResponseSchema(NamedTuple):
    """The schema of an answer, and the named ones that it refers to."""

    schema: JsonObject
    components: Mapping[str, Json]

    @property
    def definition(self) -> JsonObject:
        """The named schema itself."""
        reference = self.schema["$ref"]
        assert isinstance(reference, str), "an answer has a name"
        found = self.components[reference.removeprefix(_REFERENCE)]
        assert isinstance(found, dict), "a schema is an object"
        return found


@cache
def answer(name: str) -> ResponseSchema:
    """Describe an answer by the name of its schema."""
    components: dict[str, Json] = {}
    missing = [name]
    while missing:
        each = missing.pop()
        if each not in components:
            described = _schema(each)
            components[each] = described
            missing += _names_in(described)
    return ResponseSchema(_reference(name), components)


def _schema(name: str) -> JsonObject:
    if name in _SCHEMAS:
        return _SCHEMAS[name]
    if name.endswith("_array"):
        return {"items": _reference(name.removesuffix("_array")), "type": "array"}
    _, _, values = name.partition("_to_")
    assert values, f"no schema is named {name}"
    return {"additionalProperties": _reference(values), "type": "object"}


def _names_in(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_REFERENCE)
        else:
            for each in value.values():
                yield from _names_in(each)


def _reference(name: str) -> JsonObject:
    return {"$ref": f"{_REFERENCE}{name}"}


def _object(_optional: str = "", /, **properties: str) -> JsonObject:
    """Describe an object; the optional properties are named in the first argument."""
    optional = _optional.split()
    described: JsonObject = {
        "properties": {name: _reference(kind) for name, kind in properties.items()},
        "type": "object",
    }
    required: list[Json] = [name for name in properties if name not in optional]
    if required:
        described["required"] = required
    return described


def _enum(*values: str) -> JsonObject:
    return {"enum": [*values], "type": "string"}


def _unsigned(bits: int) -> JsonObject:
    return {"maximum": 2**bits - 1, "minimum": 0, "type": "integer"}


_EVIDENCE = _object(
    "measurement uvm_endorsements",
    node_id="NodeId",
    raw="base64string",
    endorsements="base64string",
    format="QuoteFormat",
    measurement="string",
    uvm_endorsements="base64string",
)

_SCHEMAS: Mapping[str, JsonObject] = {
    # What the others are made of
    "boolean": {"type": "boolean"},
    "json": {},
    "string": {"type": "string"},
    "uint32": _unsigned(32),
    "uint64": _unsigned(64),
    "base64string": {"format": "base64", "type": "string"},
    "NodeId": {"format": "hex", "pattern": "^[a-f0-9]{64}$", "type": "string"},
    "Pem": {"type": "string"},
    "TimeString": {"pattern": "^[0-9]+(B|KB|MB|GB|TB|PB)?$", "type": "string"},
    "TransactionId": {"pattern": "^[0-9]+\\.[0-9]+$", "type": "string"},
    # The service
    "ServiceStatus": _enum(*ServiceStatus),
    "GetNetworkInfo__Out": _object(
        service_status="ServiceStatus",
        service_certificate="Pem",
        current_view="uint64",
        primary_id="NodeId",
        recovery_count="uint64",
        service_data="json",
        current_service_create_txid="TransactionId",
    ),
    "GetServicePreviousIdentity__Out": _object(previous_service_identity="Pem"),
    "ConsensusType": _enum("CFT", "BFT"),
    "ReconfigurationType": _enum("OneTransaction", "TwoTransaction"),
    "ServiceConfiguration": _object(
        "consensus maximum_node_certificate_validity_days "
        "maximum_service_certificate_validity_days "
        "recent_cose_proposals_window_size reconfiguration_type",
        recovery_threshold="uint64",
        consensus="ConsensusType",
        maximum_node_certificate_validity_days="uint64",
        maximum_service_certificate_validity_days="uint64",
        recent_cose_proposals_window_size="uint64",
        reconfiguration_type="ReconfigurationType",
    ),
    # Consensus
    "ConsensusNodeConfig": _object(address="string"),
    "Configuration": _object(
        idx="uint64", nodes="NodeId_to_Configuration__NodeInfo", rid="uint64"
    ),
    "Configuration__NodeInfo": _object(address="string"),
    "ConsensusDetails__Ack": _object(seqno="uint64", last_received_ms="uint64"),
    "LeadershipState": _enum(*LeadershipState),
    "MembershipState": _enum(*MembershipState),
    "RetirementPhase": _enum(*RetirementPhase),
    "ConsensusDetails": _object(
        "retirement_phase leadership_state learners reconfiguration_type",
        configs="Configuration_array",
        acks="NodeId_to_ConsensusDetails__Ack",
        membership_state="MembershipState",
        retirement_phase="RetirementPhase",
        leadership_state="LeadershipState",
        learners="NodeId_to_uint64",
        reconfiguration_type="ReconfigurationType",
        primary_id="NodeId",
        current_view="uint64",
        ticking="boolean",
    ),
    "ConsensusConfigDetails": _object(details="ConsensusDetails"),
    # Nodes
    "NodeStatus": _enum(*NodeStatus),
    "Authority": _enum("Node", "Service", "ACME", "Unsecured"),
    "Endorsement": _object(authority="Authority"),
    "ParserConfiguration": _object(
        "max_body_size max_header_size max_headers_count initial_window_size "
        "max_concurrent_streams_count max_frame_size",
        max_body_size="TimeString",
        max_header_size="TimeString",
        max_headers_count="uint32",
        initial_window_size="TimeString",
        max_concurrent_streams_count="uint64",
        max_frame_size="TimeString",
    ),
    "RedirectionResolutionKind": _enum("NodeByRole", "StaticAddress"),
    "RedirectionResolverConfig": _object(
        "target", kind="RedirectionResolutionKind", target="json"
    ),
    "NodeInfoNetwork_v2__NetInterface__Redirections": _object(
        "to_primary to_backup",
        to_primary="RedirectionResolverConfig",
        to_backup="RedirectionResolverConfig",
    ),
    "NodeInfoNetwork_v2__NetInterface": _object(
        "published_address protocol app_protocol max_open_sessions_soft "
        "max_open_sessions_hard forwarding_timeout_ms endorsement http_configuration "
        "accepted_endpoints redirections",
        bind_address="string",
        published_address="string",
        protocol="string",
        app_protocol="string",
        max_open_sessions_soft="uint64",
        max_open_sessions_hard="uint64",
        forwarding_timeout_ms="uint64",
        endorsement="Endorsement",
        http_configuration="ParserConfiguration",
        accepted_endpoints="string_array",
        redirections="NodeInfoNetwork_v2__NetInterface__Redirections",
    ),
    "GetNode__NodeInfo": _object(
        node_id="NodeId",
        status="NodeStatus",
        primary="boolean",
        rpc_interfaces="string_to_NodeInfoNetwork_v2__NetInterface",
        node_data="json",
        last_written="uint64",
    ),
    "GetNodes__Out": _object(nodes="GetNode__NodeInfo_array"),
    # This node
    "ccf__NodeStartupState": _enum(*NodeState),
    "GetState__Out": _object(
        "recovery_target_seqno last_recovered_seqno",
        node_id="NodeId",
        state="ccf__NodeStartupState",
        last_signed_seqno="uint64",
        startup_seqno="uint64",
        recovery_target_seqno="uint64",
        last_recovered_seqno="uint64",
        stop_notice="boolean",
    ),
    "QuoteFormat": _enum(*CCF_QUOTE_FORMATS),
    "Quote": _EVIDENCE,
    "Attestation": _EVIDENCE,
    "GetQuotes__Out": _object(quotes="Quote_array"),
    "GetAttestations__Out": _object(attestations="Attestation_array"),
    "SelfSignedNodeCertificateInfo": _object(self_signed_certificate="Pem"),
    "GetVersion__Out": _object(
        ccf_version="string", quickjs_version="string", unsafe="boolean"
    ),
    "MemoryUsage__Out": _object(
        max_total_heap_size="uint64",
        current_allocated_heap_size="uint64",
        peak_allocated_heap_size="uint64",
    ),
    "SessionMetrics__Errors": _object(
        parsing="uint64",
        request_payload_too_large="uint64",
        request_header_too_large="uint64",
    ),
    "SessionMetrics__PerInterface": _object(
        active="uint64",
        peak="uint64",
        soft_cap="uint64",
        hard_cap="uint64",
        errors="SessionMetrics__Errors",
    ),
    "SessionMetrics": _object(
        active="uint64",
        peak="uint64",
        interfaces="string_to_SessionMetrics__PerInterface",
    ),
    "NodeMetrics": _object(sessions="SessionMetrics"),
    "JavaScriptMetrics": _object(
        bytecode_size="uint64",
        bytecode_used="boolean",
        max_heap_size="uint64",
        max_stack_size="uint64",
        max_execution_time="uint64",
        max_cached_interpreters="uint64",
    ),
    "JWTRefreshMetrics": _object(
        attempts="uint64", failures="uint64", successes="uint64"
    ),
}
