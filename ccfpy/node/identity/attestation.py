"""What this node's platform says of it, for the service and for its application."""

import base64
import binascii

from ccfpy.attestation import virtual
from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.ports import Attestation, Platform


class NodeEvidence:
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


def security_policy_of(configured: bytes) -> str:
    """Return the text of a security policy, as it is hashed and recorded.

    Raises:
        ConfigurationRefused: the file is not base64 of text.
    """
    try:
        return decoded_file(configured, "the security policy").decode()
    except UnicodeDecodeError as error:
        raise ConfigurationRefused("the security policy is not text") from error


def decoded_file(text: bytes, what: str) -> bytes:
    """Return the bytes of a configured file that is written in base64.

    Raises:
        ConfigurationRefused: the file is not base64.
    """
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationRefused(f"cannot read {what}: not base64") from error
