"""What this node's platform says of it, for the service and for its application."""

from ccfpy.attestation import virtual
from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.base.ports import Attestation, Platform


class Attesting:
    """Evidence of one node.

    Args:
        platform: makes it; a node that is given none is a virtual one.
        host_data: the digest by which the host named what it started.
    """

    def __init__(self, platform: Platform | None, host_data: bytes) -> None:
        self._attest = virtual.attest if platform is None else platform.attest
        self._host_data = host_data

    def of_node(self, public_key_der: bytes) -> Attestation:
        """Make the evidence that this node joins with, bound to its key."""
        return self._attest(node_report_data(public_key_der), host_data=self._host_data)

    def of_app(self, data: bytes) -> Attestation:
        """Make evidence for the application, bound to its data."""
        return self._attest(app_report_data(data), host_data=self._host_data)
