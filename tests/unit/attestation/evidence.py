"""Evidence of virtual nodes, for tests."""

from ccfpy.attestation.report_data import node_report_data
from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence


def virtual_evidence(
    *, public_key_der: bytes, executable_digest: str
) -> VirtualEvidence:
    return VirtualEvidence(
        measurement=MEASUREMENT,
        host_data=executable_digest,
        report_data=node_report_data(public_key_der),
    )
