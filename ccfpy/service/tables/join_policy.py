"""What code may join the service, by platform."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ccfpy.attestation.simulated import TcbStatus
from ccfpy.base.annotations import REQUIRED, U64, OrAbsent, described
from ccfpy.kv.maps import STRING, Map, Set, Value
from ccfpy.service.records import JSON, codec_of


class CodeStatus(StrEnum):
    """What a measurement is allowed to do."""

    ALLOWED_TO_JOIN = "AllowedToJoin"


@described("UVMEndorsementsData")
class UvmEndorsementsData:
    """The least security version of a feed's utility VM image."""

    svn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedProduct:
    """The least security version of a signer's product that may join."""

    security_version: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedSimulatedVendor:
    """A vendor of simulated machines, and its latest statements.

    Attributes:
        certificate: its root certificate, PEM.
        tcb_info: its signed statement of security versions.
        revocations: its signed statement of revoked machines.
    """

    certificate: str
    tcb_info: OrAbsent[bytes] = None
    revocations: OrAbsent[bytes] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRules:
    """The rules for all simulated machines and enclaves.

    Attributes:
        tcb_statuses: the accepted statuses of a machine's security version.
        accepts_debug: whether enclaves may join that can be debugged.
    """

    tcb_statuses: tuple[TcbStatus, ...] = field(
        default=(TcbStatus.UP_TO_DATE,), metadata=REQUIRED
    )
    accepts_debug: bool = field(default=False, metadata=REQUIRED)


_CODE_STATUS = codec_of(CodeStatus)

Feeds: TypeAlias = dict[str, UvmEndorsementsData]
"""A signer's feeds of images, by name."""

SGX_MEASUREMENTS = Map("public:ccf.gov.nodes.code_ids", STRING, _CODE_STATUS)
"""By hex measurement."""
VIRTUAL_MEASUREMENTS = Map(
    "public:ccf.gov.nodes.virtual.measurements", STRING, _CODE_STATUS
)
VIRTUAL_HOST_DATA = Set("public:ccf.gov.nodes.virtual.host_data", STRING)
"""Hex digests."""
SNP_MEASUREMENTS = Map("public:ccf.gov.nodes.snp.measurements", STRING, _CODE_STATUS)
"""By hex measurement."""
SNP_HOST_DATA = Map("public:ccf.gov.nodes.snp.host_data", STRING, codec_of(str))
"""The security policy's text, which may be empty, by its hex digest."""
SNP_UVM_ENDORSEMENTS = Map(
    "public:ccf.gov.nodes.snp.uvm_endorsements", STRING, codec_of(Feeds)
)
"""Feeds by the signer's DID."""
SNP_TCB_VERSIONS = Map("public:ccf.gov.nodes.snp.tcb_versions", STRING, JSON)
"""The least firmware versions by hex CPU id."""
SIMULATED_UNIQUE_IDS = Map(
    "public:ccf.gov.nodes.simulated.unique_ids", STRING, _CODE_STATUS
)
"""By hex unique id. This and the tables that follow are ours, not CCF's."""
SIMULATED_SIGNERS = Map(
    "public:ccf.gov.nodes.simulated.signers",
    STRING,
    codec_of(dict[str, SimulatedProduct]),
)
"""By hex signer id, products by their number; a listed product may join."""
SIMULATED_HOST_DATA = Set("public:ccf.gov.nodes.simulated.host_data", STRING)
"""Hex digests."""
SIMULATED_VENDORS = Map(
    "public:ccf.gov.nodes.simulated.vendors", STRING, codec_of(TrustedSimulatedVendor)
)
"""By the hex digest of the root certificate."""
SIMULATED_RULES = Value(
    "public:ccf.gov.nodes.simulated.rules", codec_of(SimulatedRules)
)
