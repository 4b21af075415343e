"""A node's evidence: its own is bound to its key, its application's to data."""

from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.base.ports import Attestation
from ccfpy.node.identity import NodeEvidence

HOST_DATA = b"\x11" * 32


class Machine:
    """A platform that repeats what it was told."""

    tcb_version = bytes(8)

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        raise AssertionError((tcb_version, host_data))

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        return Attestation("machine", report_data, host_data)


def test_a_node_without_a_platform_is_virtual_and_says_so() -> None:
    attesting = NodeEvidence(None, HOST_DATA)
    for attestation, report_data in (
        (attesting.of_node(b"key"), node_report_data(b"key")),
        (attesting.of_app(b"data"), app_report_data(b"data")),
    ):
        assert attestation.format == "Insecure_Virtual"
        assert attestation.endorsements == b""
        evidence = VirtualEvidence.parse(attestation.quote)
        assert evidence.report_data == report_data
        assert evidence.host_data == HOST_DATA.hex()
        assert evidence.measurement == MEASUREMENT


def test_a_platform_is_told_whose_data_it_is() -> None:
    attesting = NodeEvidence(Machine(), HOST_DATA)
    own, apps = attesting.of_node(b"key"), attesting.of_app(b"key")
    assert own == Attestation("machine", node_report_data(b"key"), HOST_DATA)
    assert apps == Attestation("machine", app_report_data(b"key"), HOST_DATA)
