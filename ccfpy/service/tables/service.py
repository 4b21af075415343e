"""The service itself: its certificate and status, its settings, its predecessors."""

from dataclasses import dataclass

from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.kv.maps import Codec, Value
from ccfpy.ledger import tables
from ccfpy.ledger.identity import IdentityEndorsement
from ccfpy.service.records import (
    TEXT,
    codec_of,
    record,
)

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

    cert: str
    status: ServiceStatus = ServiceStatus.OPENING
    previous_service_identity_version: Seqno | None = None
    recovery_count: int | None = None
    service_data: Json = None
    current_service_create_txid: TxId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfiguration:
    """What the consortium set for the whole service.

    Attributes:
        recovery_threshold: how many participants' shares open the ledger.
        recent_cose_proposals_window_size: how many proposals are remembered to refuse
            replays.
        reconfiguration_type: unused, kept for those who set it.
    """

    recovery_threshold: int = 0
    consensus: str = "CFT"
    maximum_node_certificate_validity_days: int | None = None
    maximum_service_certificate_validity_days: int | None = None
    recent_cose_proposals_window_size: int | None = None
    reconfiguration_type: str | None = None


SERVICE_CONFIGURATION = record(ServiceConfiguration, always=("recovery_threshold",))

INFO = Value(
    "public:ccf.gov.service.info",
    codec_of(record(ServiceInfo, always=("status",))),
)
CONFIGURATION = Value("public:ccf.gov.service.config", codec_of(SERVICE_CONFIGURATION))
PREVIOUS_IDENTITY = Value(
    "public:ccf.gov.service.previous_service_identity", codec_of(TEXT)
)
"""The certificate of the service that was recovered, as PEM."""
PREVIOUS_LAST_SIGNED_ROOT = Value(
    "public:ccf.internal.previous_service_last_signed_root", codec_of(TEXT)
)
"""Hex of the root of its last signature."""
PREVIOUS_IDENTITY_ENDORSEMENT = Value(
    tables.IDENTITY_ENDORSEMENT,
    Codec(encode=IdentityEndorsement.serialise, decode=IdentityEndorsement.parse),
)
"""The service key's endorsement of the key before it."""
