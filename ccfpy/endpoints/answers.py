"""Types of answers that the documents of several frontends share.

A field whose default is ``LEFT_OUT`` may be absent, and is never null. Where CCF's
document has another name for a schema than the class, `__schema_name__` says so.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json
from ccfpy.endpoints.schema import U64, IntegerRange, SchemaName, TextFormat
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
