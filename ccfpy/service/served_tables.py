"""The public tables of governance that ``/gov/kv`` serves, each at a path of its own.

Nodes serve these tables, and clients ask for them.
"""

from typing import Any, NewType, TypeAlias

from ccfpy.base.annotations import U32, OrAbsent, described
from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.kv.maps import STRING, Map, Set, Value
from ccfpy.service.records import PemText
from ccfpy.service.tables import (
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

Table: TypeAlias = Map[Any, Any] | Value[Any] | Set[Any]

# Schemas are named after these keys.
SgxAttestationMeasurement = NewType("SgxAttestationMeasurement", str)
SnpAttestationMeasurement = NewType("SnpAttestationMeasurement", str)
Sha256Digest = NewType("Sha256Digest", str)
EndpointKey = NewType("EndpointKey", str)

_PREFIX = "public:ccf.gov."

ACME_CERTIFICATES = Map("public:ccf.gov.service.acme_certificates", STRING, STRING)
"""Certificates of interfaces by ACME configuration, from before CCF 7."""


@described("TcbVersionPolicy")
class TcbVersionRow:
    """The least firmware versions of a processor."""

    hexstring: OrAbsent[str] = None
    boot_loader: OrAbsent[U32] = None
    tee: OrAbsent[U32] = None
    snp: OrAbsent[U32] = None
    microcode: OrAbsent[U32] = None
    fmc: OrAbsent[U32] = None


@described("OpenIDJWKMetadataLegacy")
class LegacyTokenKeyRow:
    """A certificate that may sign tokens, as before CCF 5."""

    issuer: str
    cert: bytes
    constraint: OrAbsent[str] = None


def served_tables() -> tuple[tuple[Table, object], ...]:
    """Return every table that is served, and the type of the response."""
    return (
        (service.CONSTITUTION, str),
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
        (jwt.CA_CERT_BUNDLES, dict[str, str]),
        (service.INFO, service.ServiceInfo),
        (service.CONFIGURATION, service.ServiceConfiguration),
        (service.PREVIOUS_IDENTITY, PemText),
        (ACME_CERTIFICATES, dict[str, PemText]),
    )


def path_of(table: Table) -> str:
    """Return the path of a table: its name, with slashes for dots."""
    return f"/kv/{table.name.removeprefix(_PREFIX).replace('.', '/')}"
