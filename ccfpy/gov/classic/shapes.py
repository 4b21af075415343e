"""The shapes of the classic API's bodies, by the names that CCF 6's document gave them.

Where that document differs from what CCF 6's nodes returned, these shapes describe what
they returned: a table by hashes is an object by their hex, and texts are JSON.
"""

import re
from collections.abc import Iterator, Mapping

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.endpoints.declaration import Forwarding, Mode, Redirection
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.nodes import CCF_QUOTE_FORMATS, Authority
from ccfpy.service.tables.proposals import ProposalState

_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')
_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"maximum": 2**64 - 1, "minimum": 0, "type": "integer"}
_U32: JsonObject = {"maximum": 2**32 - 1, "minimum": 0, "type": "integer"}
_SIZE: JsonObject = {"pattern": "^[0-9]+(B|KB|MB|GB|TB|PB)?$", "type": "string"}


def ref(name: str) -> JsonObject:
    """Return a reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def closure(name: str) -> JsonObject:
    """Return a shape and every shape that it refers to, by name."""
    found: JsonObject = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = SHAPES[name]
            waiting += _REFERENCE.findall(json.dumps(SHAPES[name]).decode())
    return found


def _object(required: Mapping[str, Json] | None = None, **optional: Json) -> JsonObject:
    described: JsonObject = {
        "type": "object",
        "properties": {**(required or {}), **optional},
    }
    if required:
        described["required"] = [*required]
    return described


def _fields(required: str = "", optional: str = "") -> JsonObject:
    """Describe an object whose fields are told as ``name:shape``, each in its place."""
    return _object(dict(_pairs(required)), **dict(_pairs(optional)))


def _pairs(told: str) -> Iterator[tuple[str, Json]]:
    for field in told.split():
        name, _, shape = field.partition(":")
        yield name, ref(shape)


def _list(items: Json) -> JsonObject:
    return {"type": "array", "items": items}


def _by_name(values: Json) -> JsonObject:
    return {"type": "object", "additionalProperties": values}


def _one_of(*words: str) -> JsonObject:
    return {"enum": [*words], "type": "string"}


def _hex(pattern: str) -> JsonObject:
    return {"format": "hex", "pattern": pattern, "type": "string"}


def _redirection() -> JsonObject:
    return _object({"kind": _one_of("NodeByRole", "StaticAddress")}, target={})


_INTERFACE = _object(
    {"bind_address": _TEXT},
    accepted_endpoints=_list(_TEXT),
    app_protocol=_TEXT,
    endorsement=_object({"authority": _one_of(*Authority)}),
    forwarding_timeout_ms=_COUNT,
    http_configuration=_object(
        initial_window_size=_SIZE,
        max_body_size=_SIZE,
        max_concurrent_streams_count=_COUNT,
        max_frame_size=_SIZE,
        max_header_size=_SIZE,
        max_headers_count=_U32,
    ),
    max_open_sessions_hard=_COUNT,
    max_open_sessions_soft=_COUNT,
    protocol=_TEXT,
    published_address=_TEXT,
    redirections=_object(to_backup=_redirection(), to_primary=_redirection()),
)

_PLAIN: Mapping[str, JsonObject] = {
    "TransactionId": {"pattern": "^[0-9]+\\.[0-9]+$", "type": "string"},
    "MemberId": _hex("^[a-f0-9]{64}$"),
    "Pem": _TEXT,
    "base64string": {"format": "base64", "type": "string"},
    "boolean": {"type": "boolean"},
    "json": {},
    "json_array": _list(ref("json")),
    "string": _TEXT,
    "string_array": _list(ref("string")),
    "uint32": _U32,
    "uint64": _COUNT,
    "CodeStatus": _one_of(*CodeStatus),
    "ConsensusType": _one_of("BFT", "CFT"),
    "ForwardingRequired": _one_of(*Forwarding),
    "InterpreterReusePolicy": {"oneOf": [_object({"key": _TEXT})]},
    "MDType": _one_of("NONE", "SHA1", "SHA256", "SHA384", "SHA512"),
    "MemberRecoveryRole": _one_of(*RecoveryRole),
    "MemberStatus": _one_of(*MemberStatus),
    "Mode": _one_of(Mode.READ_WRITE, Mode.READ_ONLY, Mode.HISTORICAL),
    "NodeStatus": _one_of(*NodeStatus),
    "ProposalState": _one_of(*ProposalState),
    "QuoteFormat": _one_of(*CCF_QUOTE_FORMATS),
    "ReconfigurationType": _one_of("OneTransaction", "TwoTransaction"),
    "RedirectionStrategy": _one_of(*Redirection),
    "ServiceStatus": _one_of(*ServiceStatus),
}
_RECORDS: Mapping[str, JsonObject] = {
    "Action": _fields("name:string args:json"),
    "Action_array": _list(ref("Action")),
    "Ballot": _fields("ballot:string"),
    "EndpointProperties": _fields(
        "forwarding_required:ForwardingRequired authn_policies:json_array",
        "interpreter_reuse:InterpreterReusePolicy js_function:string js_module:string "
        "mode:Mode openapi:json openapi_hidden:boolean "
        "redirection_strategy:RedirectionStrategy",
    ),
    "Failure": _fields("reason:string", "trace:string"),
    "FullMemberDetails": _object(
        {
            **dict(_pairs("status:MemberStatus member_data:json cert:Pem")),
            "public_encryption_key": {"allOf": [ref("Pem")], "nullable": True},
        }
    ),
    "GetRecoveryShare__Out": _fields("encrypted_share:string"),
    "JSRuntimeOptions": _fields(
        optional="log_exception_details:boolean max_cached_interpreters:uint64 "
        "max_execution_time_ms:uint64 max_heap_bytes:uint64 max_stack_bytes:uint64 "
        "return_exception_details:boolean"
    ),
    "JwtIssuerMetadata": _fields(
        optional="auto_refresh:boolean ca_cert_bundle_name:string"
    ),
    "KeyIdInfo": _fields("issuer:string cert:Pem", "public_key:base64string"),
    "KeyIdInfo_array": _list(ref("KeyIdInfo")),
    "MemberAck": _fields(
        "state_digest:string", "cose_sign1_req:base64string signed_req:SignedReq"
    ),
    "MemberDetails": _fields(
        "status:MemberStatus", "member_data:json recovery_role:MemberRecoveryRole"
    ),
    "NodeInfo": _object(
        {
            "node_to_node_interface": _INTERFACE,
            "rpc_interfaces": _by_name(_INTERFACE),
            **dict(
                _pairs("quote_info:QuoteInfo encryption_pub_key:Pem status:NodeStatus")
            ),
        },
        **dict(
            _pairs(
                "cert:Pem certificate_signing_request:Pem code_digest:string "
                "ledger_secret_seqno:uint64 node_data:json public_key:Pem "
                "retired_committed:boolean will_locally_seal_ledger_secrets:boolean"
            )
        ),
    ),
    "OpenIDJWKMetadata": _fields(
        "issuer:string public_key:base64string", "constraint:string"
    ),
    "OpenIDJWKMetadata_array": _list(ref("OpenIDJWKMetadata")),
    "OpenIDJWKMetadataLegacy": _fields(
        "issuer:string cert:base64string", "constraint:string"
    ),
    "OpenIDJWKMetadataLegacy_array": _list(ref("OpenIDJWKMetadataLegacy")),
    "Proposal": _fields("actions:Action_array"),
    "ProposalInfo": _fields(
        "proposer_id:MemberId state:ProposalState ballots:MemberId_to_string",
        "final_votes:MemberId_to_boolean vote_failures:MemberId_to_Failure "
        "failure:Failure",
    ),
    "ProposalInfoSummary": _fields(
        "proposal_id:string proposer_id:MemberId state:ProposalState "
        "ballot_count:uint64",
        "votes:MemberId_to_boolean vote_failures:MemberId_to_Failure failure:Failure",
    ),
    "QuoteInfo": _fields(
        "format:QuoteFormat quote:base64string endorsements:base64string",
        "uvm_endorsements:base64string endorsed_tcb:string",
    ),
    "ServiceConfiguration": _fields(
        "recovery_threshold:uint64",
        "consensus:ConsensusType maximum_node_certificate_validity_days:uint64 "
        "maximum_service_certificate_validity_days:uint64 "
        "recent_cose_proposals_window_size:uint64 "
        "reconfiguration_type:ReconfigurationType",
    ),
    "ServiceInfo": _fields(
        "cert:Pem status:ServiceStatus",
        "previous_service_identity_version:uint64 recovery_count:uint64 "
        "service_data:json current_service_create_txid:TransactionId",
    ),
    "SignedReq": _fields(
        "sig:base64string req:base64string request_body:base64string md:MDType "
        "key_id:string"
    ),
    "StateDigest": _fields("state_digest:string"),
    "SubmitRecoveryShare__In": _fields("share:string"),
    "SubmitRecoveryShare__Out": _fields("message:string"),
    "TcbVersionPolicy": _fields(
        optional="hexstring:string boot_loader:uint32 tee:uint32 snp:uint32 "
        "microcode:uint32 fmc:uint32"
    ),
    "UVMEndorsementsData": _fields("svn:string"),
    "UserDetails": _fields("user_data:json"),
}
_TABLES = (
    "EndpointKey_to_EndpointProperties",
    "MemberId_to_Failure",
    "MemberId_to_FullMemberDetails",
    "MemberId_to_MemberAck",
    "MemberId_to_MemberDetails",
    "MemberId_to_Pem",
    "MemberId_to_SignedReq",
    "MemberId_to_base64string",
    "MemberId_to_boolean",
    "MemberId_to_string",
    "NodeId_to_NodeInfo",
    "NodeId_to_Pem",
    "Sha256Digest_to_string",
    "SgxAttestationMeasurement_to_CodeStatus",
    "SnpAttestationMeasurement_to_CodeStatus",
    "UserId_to_Pem",
    "UserId_to_UserDetails",
    "string_to_CodeStatus",
    "string_to_JwtIssuerMetadata",
    "string_to_KeyIdInfo_array",
    "string_to_OpenIDJWKMetadataLegacy_array",
    "string_to_OpenIDJWKMetadata_array",
    "string_to_Pem",
    "string_to_ProposalInfo",
    "string_to_TcbVersionPolicy",
    "string_to_UVMEndorsementsData",
    "string_to_base64string",
    "string_to_string",
    "string_to_string_to_UVMEndorsementsData",
)
"""Objects by whatever is before the first ``_to_``, of what is behind it."""

SHAPES: Mapping[str, JsonObject] = {
    **_PLAIN,
    **_RECORDS,
    **{name: _by_name(ref(name.partition("_to_")[2])) for name in _TABLES},
}
