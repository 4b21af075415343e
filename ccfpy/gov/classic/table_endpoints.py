"""The tables of governance, each whole, under ``/gov/kv``.

A map is an object by its keys, a set is an array. A single value is itself; without a
value the response is empty (204). Fields of records that the service does not know are
left out. Bytes are base64.
"""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NewType, TypeAlias

from ccfpy.base import json
from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.gov.classic.bodies import LegacyTokenKeyRow, TcbVersionRow
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Set, Value
from ccfpy.service.records import PemText
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
from ccfpy.service.tables.join_policy import CodeStatus

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.http.messages import Response

Table: TypeAlias = Map[Any, Any] | Value[Any] | Set[Any]

# Schemas are named after these keys.
SgxAttestationMeasurement = NewType("SgxAttestationMeasurement", str)
SnpAttestationMeasurement = NewType("SnpAttestationMeasurement", str)
Sha256Digest = NewType("Sha256Digest", str)
EndpointKey = NewType("EndpointKey", str)

_PREFIX = "public:ccf.gov."

ACME_CERTIFICATES = Map("public:ccf.gov.service.acme_certificates", STRING, STRING)
"""Certificates of interfaces by ACME configuration, from before CCF 7."""


def served_tables() -> tuple[tuple[Table, object], ...]:
    """Return every table that is served, and the type of the response."""
    return (
        (constitution.CONSTITUTION, str),
        (members.INFO, dict[MemberId, members.MemberInfo]),
        (members.CERTS, dict[MemberId, PemText]),
        (members.ENCRYPTION_PUBLIC_KEYS, dict[MemberId, PemText]),
        (members.ACKS, dict[MemberId, members.MemberAck]),
        (users.INFO, dict[UserId, users.UserInfo]),
        (users.CERTS, dict[UserId, PemText]),
        (nodes.INFO, dict[NodeId, nodes.NodeInfo]),
        (nodes.ENDORSED_CERTIFICATES, dict[NodeId, PemText]),
        (
            join_policy.SGX_MEASUREMENTS,
            dict[SgxAttestationMeasurement, CodeStatus],
        ),
        (join_policy.SNP_HOST_DATA, dict[Sha256Digest, str]),
        (
            join_policy.SNP_MEASUREMENTS,
            dict[SnpAttestationMeasurement, CodeStatus],
        ),
        (join_policy.SNP_UVM_ENDORSEMENTS, dict[str, join_policy.Feeds]),
        (join_policy.SNP_TCB_VERSIONS, dict[str, TcbVersionRow]),
        (join_policy.VIRTUAL_HOST_DATA, list[str]),
        (join_policy.VIRTUAL_MEASUREMENTS, dict[str, CodeStatus]),
        (proposals.PROPOSALS, dict[str, bytes]),
        (proposals.INFO, dict[str, proposals.ProposalInfo]),
        (proposals.HISTORY, dict[MemberId, members.LegacySignedRequest]),
        (proposals.COSE_HISTORY, dict[MemberId, bytes]),
        (proposals.COSE_RECENT_PROPOSALS, dict[str, str]),
        (js.MODULES, dict[str, str]),
        (js.MODULES_BYTECODE, dict[str, bytes]),
        (js.MODULES_VERSION, str),
        (js.INTERPRETER_FLUSH, bool),
        (js.RUNTIME_OPTIONS, js.JsRuntimeOptions),
        (js.ENDPOINTS, dict[EndpointKey, js.EndpointProperties]),
        (jwt.ISSUERS, dict[str, jwt.JwtIssuer]),
        (jwt.SIGNING_KEYS, dict[str, list[jwt.SigningKey]]),
        (jwt.LEGACY_METADATA, dict[str, list[LegacyTokenKeyRow]]),
        (jwt.LEGACY_KEYS, dict[str, bytes]),
        (jwt.LEGACY_KEY_ISSUER, dict[str, str]),
        (ca_certs.CA_CERT_BUNDLES, dict[str, str]),
        (service.INFO, service.ServiceInfo),
        (service.CONFIGURATION, service.ServiceConfiguration),
        (service.PREVIOUS_IDENTITY, PemText),
        (ACME_CERTIFICATES, dict[str, PemText]),
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
