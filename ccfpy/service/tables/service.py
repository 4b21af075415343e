"""The service itself: its certificate and status, its settings, its predecessors.

The constitution: the JavaScript that decides what proposals do.

What the ledger says of itself: signatures, and the tree's state.

What the signature tables hold is the ledger's affair.

Evidence of snapshots: the table that names each snapshot of the service.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from ccfpy.base.annotations import REQUIRED, U64, DescribedAs, OrAbsent, SchemaName
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.kv.maps import RAW, Codec, Value
from ccfpy.ledger import tables
from ccfpy.ledger.identity_endorsement import IdentityEndorsement
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service.records import PemText, codec_of, form_of

NODE_VALIDITY_DAYS = 365
"""How long node certificates may be valid where the configuration does not say."""
SERVICE_VALIDITY_DAYS = 365
"""The same for service certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo:
    """The service's identity and status.

    Attributes:
        cert: the service certificate as PEM.
        previous_service_identity_version: the seqno that created the service which
            this one recovered.
    """

    cert: PemText
    status: ServiceStatus = field(default=ServiceStatus.OPENING, metadata=REQUIRED)
    previous_service_identity_version: OrAbsent[U64] = None
    recovery_count: OrAbsent[U64] = None
    service_data: Json = None
    current_service_create_txid: OrAbsent[TxId] = None


class _ConsensusWord(StrEnum):
    """The consensus of a service, as documents name it."""

    BFT = "BFT"
    CFT = "CFT"


Reconfiguration: TypeAlias = Annotated[
    Literal["OneTransaction", "TwoTransaction"], SchemaName("ReconfigurationType")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfiguration:
    """What the consortium set for the whole service.

    Attributes:
        recovery_threshold: how many participants' shares open the ledger.
        recent_cose_proposals_window_size: how many proposals are remembered to refuse
            replays.
        reconfiguration_type: unused, kept for those who set it.
    """

    recovery_threshold: U64 = field(default=0, metadata=REQUIRED)
    consensus: Annotated[
        str, DescribedAs(Annotated[_ConsensusWord, SchemaName("ConsensusType")])
    ] = "CFT"
    maximum_node_certificate_validity_days: OrAbsent[U64] = None
    maximum_service_certificate_validity_days: OrAbsent[U64] = None
    recent_cose_proposals_window_size: OrAbsent[U64] = None
    reconfiguration_type: OrAbsent[Annotated[str, DescribedAs(Reconfiguration)]] = None


SERVICE_CONFIGURATION = form_of(ServiceConfiguration)

INFO = Value("public:ccf.gov.service.info", codec_of(ServiceInfo))
CONFIGURATION = Value("public:ccf.gov.service.config", codec_of(ServiceConfiguration))
PREVIOUS_IDENTITY = Value(
    "public:ccf.gov.service.previous_service_identity", codec_of(str)
)
"""The certificate of the service that was recovered, as PEM."""
PREVIOUS_LAST_SIGNED_ROOT = Value(
    "public:ccf.internal.previous_service_last_signed_root", codec_of(str)
)
"""Hex of the root of its last signature."""
PREVIOUS_IDENTITY_ENDORSEMENT = Value(
    tables.IDENTITY_ENDORSEMENT,
    Codec(encode=IdentityEndorsement.serialise, decode=IdentityEndorsement.parse),
)
"""The service key's endorsement of the key before it."""


CONSTITUTION = Value("public:ccf.gov.constitution", codec_of(str))


SIGNATURES = Value(
    tables.SIGNATURES,
    Codec(encode=NodeSignature.serialise, decode=NodeSignature.parse),
)
COSE_SIGNATURES = Value(tables.COSE_SIGNATURES, codec_of(bytes))
TREE = Value(tables.TREE, RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEvidence:
    """What identifies a snapshot that the service made.

    Attributes:
        hash: hex SHA-256 of the snapshot's bytes.
        version: the seqno whose state it holds.
    """

    hash: str
    version: U64


SNAPSHOT_EVIDENCE = Value(
    tables.SNAPSHOT_EVIDENCE,
    codec_of(SnapshotEvidence),
)
