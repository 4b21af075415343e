"""The tables of governance, each whole, under ``/gov/kv``.

A map is an object by its keys, a set is an array. A single value is itself; without a
value the response is empty (204). Fields of records that the service does not know are
left out. Bytes are base64.
"""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ccfpy.base import json
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Set, Value
from ccfpy.service.tables import (
    ca_certs,
    constitution,
    join_policy,
    js,
    jwt,
    members,
    nodes,
    proposals,
    service,
    users,
)

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.http.messages import Response

Table: TypeAlias = Map[Any, Any] | Value[Any] | Set[Any]

_PREFIX = "public:ccf.gov."

ACME_CERTIFICATES = Map("public:ccf.gov.service.acme_certificates", STRING, STRING)
"""Certificates of interfaces by ACME configuration, from before CCF 7."""


def served_tables() -> tuple[tuple[Table, str], ...]:
    """Return every table that is served, and the name of its shape."""
    return (
        (constitution.CONSTITUTION, "string"),
        (members.INFO, "MemberId_to_MemberDetails"),
        (members.CERTS, "MemberId_to_Pem"),
        (members.ENCRYPTION_PUBLIC_KEYS, "MemberId_to_Pem"),
        (members.ACKS, "MemberId_to_MemberAck"),
        (users.INFO, "UserId_to_UserDetails"),
        (users.CERTS, "UserId_to_Pem"),
        (nodes.INFO, "NodeId_to_NodeInfo"),
        (nodes.ENDORSED_CERTIFICATES, "NodeId_to_Pem"),
        (join_policy.SGX_MEASUREMENTS, "SgxAttestationMeasurement_to_CodeStatus"),
        (join_policy.SNP_HOST_DATA, "Sha256Digest_to_string"),
        (join_policy.SNP_MEASUREMENTS, "SnpAttestationMeasurement_to_CodeStatus"),
        (join_policy.SNP_UVM_ENDORSEMENTS, "string_to_string_to_UVMEndorsementsData"),
        (join_policy.SNP_TCB_VERSIONS, "string_to_TcbVersionPolicy"),
        (join_policy.VIRTUAL_HOST_DATA, "string_array"),
        (join_policy.VIRTUAL_MEASUREMENTS, "string_to_CodeStatus"),
        (proposals.PROPOSALS, "string_to_base64string"),
        (proposals.INFO, "string_to_ProposalInfo"),
        (proposals.HISTORY, "MemberId_to_SignedReq"),
        (proposals.COSE_HISTORY, "MemberId_to_base64string"),
        (proposals.COSE_RECENT_PROPOSALS, "string_to_string"),
        (js.MODULES, "string_to_string"),
        (js.MODULES_BYTECODE, "string_to_base64string"),
        (js.MODULES_VERSION, "string"),
        (js.INTERPRETER_FLUSH, "boolean"),
        (js.RUNTIME_OPTIONS, "JSRuntimeOptions"),
        (js.ENDPOINTS, "EndpointKey_to_EndpointProperties"),
        (jwt.ISSUERS, "string_to_JwtIssuerMetadata"),
        (jwt.SIGNING_KEYS, "string_to_OpenIDJWKMetadata_array"),
        (jwt.LEGACY_METADATA, "string_to_OpenIDJWKMetadataLegacy_array"),
        (jwt.LEGACY_KEYS, "string_to_base64string"),
        (jwt.LEGACY_KEY_ISSUER, "string_to_string"),
        (ca_certs.CA_CERT_BUNDLES, "string_to_string"),
        (service.INFO, "ServiceInfo"),
        (service.CONFIGURATION, "ServiceConfiguration"),
        (service.PREVIOUS_IDENTITY, "Pem"),
        (ACME_CERTIFICATES, "string_to_Pem"),
    )


def path_of(table: Table) -> str:
    """Return the path of a table: its name, with slashes for dots."""
    return f"/kv/{table.name.removeprefix(_PREFIX).replace('.', '/')}"


def reader_of(table: Table) -> "Handler":
    """Return the handler that returns a table."""
    if isinstance(table, Map):
        read = _whole_map(table)
    elif isinstance(table, Set):
        read = _whole_set(table)
    else:
        read = _value(table)
    read.__doc__ = f"Return the table ``{table.name}``."
    return read


def _whole_map(table: Map[Any, Any]) -> "Handler":
    write_key = _key_writer(table.key_codec)
    write_value = _writer(table.value_codec)

    def read(context: Context) -> "Response":
        found: JsonObject = {
            write_key(key): write_value(value)
            for key, value in table.of(context.tx).items()
        }
        return json_reply(found)

    return read


def _whole_set(table: Set[Any]) -> "Handler":
    write = _key_writer(table.key_codec)

    def read(context: Context) -> "Response":
        return json_reply(sorted(map(write, table.of(context.tx).keys())))

    return read


def _value(table: Value[Any]) -> "Handler":
    write = _writer(table.codec)

    def read(context: Context) -> "Response":
        value = table.of(context.tx).get()
        return empty_reply() if value is None else json_reply(write(value))

    return read


def _key_writer(codec: Codec[Any]) -> Callable[[Any], str]:
    return lambda key: codec.encode(key).decode()


def _writer(codec: Codec[Any]) -> "Callable[[Any], Json]":
    """Return how a table's values become JSON, which most are already."""
    if codec is STRING:
        return str
    if codec is RAW:
        return lambda data: base64.b64encode(data).decode()
    return lambda value: json.loads(codec.encode(value))
