"""Nodes: where they listen, what they proved when joining, whether they are trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from ccfpy.base.annotations import (
    REQUIRED,
    U32,
    U64,
    DescribedAs,
    Inline,
    OrAbsent,
    SchemaName,
    TextFormat,
    described,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import Form, PemText, codec_of_form, form_of, text_key


class QuoteFormat(StrEnum):
    """The kind of a node's evidence."""

    OE_SGX_V1 = "OE_SGX_v1"
    INSECURE_VIRTUAL = "Insecure_Virtual"
    AMD_SEV_SNP_V1 = "AMD_SEV_SNP_v1"
    INSECURE_SIMULATED = "Insecure_Simulated"
    """Ours: a machine in a file, which states what others do, but has no secret."""


EvidenceFormat: TypeAlias = Annotated[
    Literal["OE_SGX_v1", "Insecure_Virtual", "AMD_SEV_SNP_v1"],
    SchemaName("QuoteFormat"),
]
"""The formats that CCF knows; like CCF's, API documents state no other."""


class Authority(StrEnum):
    """Who endorses an interface's certificate."""

    NODE = "Node"
    SERVICE = "Service"
    ACME = "ACME"
    """Only found in old ledgers."""
    UNSECURED = "Unsecured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """How an interface's certificate is endorsed."""

    authority: Authority


SizeText: TypeAlias = Annotated[
    str, TextFormat("TimeString", pattern="^[0-9]+(B|KB|MB|GB|TB|PB)?$")
]
"""A number of bytes with a unit; CCF's document calls it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserConfiguration:
    """The limits of HTTP on an interface; described, but not read."""

    max_body_size: OrAbsent[SizeText] = None
    max_header_size: OrAbsent[SizeText] = None
    max_headers_count: OrAbsent[U32] = None
    initial_window_size: OrAbsent[SizeText] = None
    max_concurrent_streams_count: OrAbsent[U64] = None
    max_frame_size: OrAbsent[SizeText] = None


@described("RedirectionResolverConfig")
class RedirectionResolver:
    """How the target of a redirection is found; described, but not read."""

    kind: Annotated[
        Literal["NodeByRole", "StaticAddress"], SchemaName("RedirectionResolutionKind")
    ]
    target: Json = None


@described("NodeInfoNetwork_v2__NetInterface__Redirections")
class InterfaceRedirections:
    """Where an interface redirects what it does not serve; described, but not read."""

    to_primary: OrAbsent[RedirectionResolver] = None
    to_backup: OrAbsent[RedirectionResolver] = None


@described("NodeInfoNetwork_v2__NetInterface")
class NetInterface:
    """Where a node listens, and the rules there.

    Attributes:
        http_configuration: the HTTP limits as they were configured.
        redirections: where this interface sends what it does not serve.
    """

    bind_address: str
    published_address: str = ""
    protocol: str = ""
    app_protocol: OrAbsent[str] = None
    max_open_sessions_soft: OrAbsent[U64] = None
    max_open_sessions_hard: OrAbsent[U64] = None
    http_configuration: Annotated[Json, DescribedAs(ParserConfiguration)] = None
    endorsement: OrAbsent[Endorsement] = None
    accepted_endpoints: OrAbsent[tuple[str, ...]] = None
    forwarding_timeout_ms: OrAbsent[U64] = None
    redirections: Annotated[Json, DescribedAs(InterfaceRedirections)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteInfo:
    """A node's attestation evidence and what supports it."""

    format: Annotated[QuoteFormat, DescribedAs(EvidenceFormat)]
    quote: bytes
    endorsements: bytes
    uvm_endorsements: OrAbsent[bytes] = None
    endorsed_tcb: OrAbsent[str] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInfo:
    """A node as the service knows it.

    Attributes:
        encryption_pub_key: RSA, for ledger secrets sent to this node.
        code_digest: hex of the measurement.
        ledger_secret_seqno: the version of the latest ledger secret when the node was
            trusted.
        cert: only nodes before CCF 2 have theirs here.
        retired_committed: the node's retirement can no longer be rolled back.
    """

    node_to_node_interface: Annotated[NetInterface, Inline()]
    rpc_interfaces: Annotated[Mapping[str, NetInterface], Inline()] = field(
        default_factory=dict, metadata=REQUIRED
    )
    will_locally_seal_ledger_secrets: bool = False
    quote_info: QuoteInfo
    encryption_pub_key: PemText
    status: NodeStatus = field(default=NodeStatus.PENDING, metadata=REQUIRED)
    ledger_secret_seqno: OrAbsent[U64] = None
    code_digest: OrAbsent[str] = None
    certificate_signing_request: OrAbsent[PemText] = None
    public_key: OrAbsent[PemText] = None
    node_data: Json = None
    cert: OrAbsent[PemText] = None
    retired_committed: bool = False


_PRIMARY_INTERFACE = "primary_rpc_interface"
"""CCF's name for the one interface of a node with the first form only."""

NET_INTERFACE = form_of(NetInterface)
_WITHOUT_FIRST_FORM = form_of(NodeInfo)


def _host_port(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host, port


def first_form(
    node_to_node: NetInterface, rpc_interfaces: Mapping[str, NetInterface]
) -> dict[str, Json]:
    """Return the six host and port fields of the first network form.

    They describe the first interface by name, and stay beside the newer form for
    readers of the first form (``include/ccf/service/node_info_network.h``).
    """
    nodehost, nodeport = _host_port(node_to_node.bind_address)
    rpchost = rpcport = pubhost = pubport = ""
    if rpc_interfaces:
        interface = rpc_interfaces[min(rpc_interfaces)]
        rpchost, rpcport = _host_port(interface.bind_address)
        pubhost, pubport = _host_port(interface.published_address)
    return {
        "nodehost": nodehost,
        "nodeport": nodeport,
        "rpchost": rpchost,
        "rpcport": rpcport,
        "pubhost": pubhost,
        "pubport": pubport,
    }


def _write(info: NodeInfo) -> Json:
    written = _WITHOUT_FIRST_FORM.write(info)
    assert isinstance(written, dict)
    return written | first_form(info.node_to_node_interface, info.rpc_interfaces)


def _read(value: Json) -> NodeInfo:
    if isinstance(value, dict) and "node_to_node_interface" not in value:
        value = value | _second_form(value)
    return _WITHOUT_FIRST_FORM.read(value)


def _second_form(value: dict[str, Json]) -> dict[str, Json]:
    """Read the network of a node that was recorded in the first form alone."""
    try:
        addresses = [
            f"{value[name + 'host']}:{value[name + 'port']}"
            for name in ("node", "rpc", "pub")
        ]
    except KeyError as error:
        raise Malformed(f"NodeInfo lacks its field {error}") from error
    node, rpc, published = addresses
    return {
        "node_to_node_interface": {"bind_address": node},
        "rpc_interfaces": {
            _PRIMARY_INTERFACE: {"bind_address": rpc, "published_address": published}
        },
    }


NODE_INFO: Form[NodeInfo] = Form(_write, _read)

_NODE_ID = text_key(NodeId)

INFO = Map("public:ccf.gov.nodes.info", _NODE_ID, codec_of_form(NODE_INFO))
ENDORSED_CERTIFICATES = Map(
    "public:ccf.gov.nodes.endorsed_certificates", _NODE_ID, STRING
)
