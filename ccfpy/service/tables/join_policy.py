"""What code may join the service, by platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.kv.maps import JSON, STRING, Map, Set
from ccfpy.service.records import TEXT, codec_of, map_of, member_of, record


class CodeStatus(StrEnum):
    """What a measurement is allowed to do."""

    ALLOWED_TO_JOIN = "AllowedToJoin"


@dataclass(frozen=True, slots=True, kw_only=True)
class UvmEndorsement:
    """The least security version of a feed's utility VM image."""

    svn: str


_CODE_STATUS = codec_of(member_of(CodeStatus))
_FEEDS = map_of(str, record(UvmEndorsement, required={"svn": TEXT}))

Feeds = Mapping[str, UvmEndorsement]
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
SNP_HOST_DATA = Map("public:ccf.gov.nodes.snp.host_data", STRING, codec_of(TEXT))
"""The security policy's text, which may be empty, by its hex digest."""
SNP_UVM_ENDORSEMENTS = Map(
    "public:ccf.gov.nodes.snp.uvm_endorsements", STRING, codec_of(_FEEDS)
)
"""Feeds by the signer's DID."""
SNP_TCB_VERSIONS = Map("public:ccf.gov.nodes.snp.tcb_versions", STRING, JSON)
"""The least firmware versions by hex CPU id."""
