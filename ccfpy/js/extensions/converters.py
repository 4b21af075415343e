"""The functions on ``ccf`` itself: text, JSON and certificates to bytes and back."""

from collections.abc import Mapping
from typing import Final

from ccfpy.attestation.snp_report import policy_of_hex
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.crypto.certs import Certificate
from ccfpy.js.extension import (
    ExtensionFunction,
    internal_error,
    or_throw,
    own_source,
    utf8,
)


class ConvertersExtension:
    """The extension the functions on ``ccf`` itself.

    Attributes:
        logs_execution_metrics: what the script last asked of ``enableMetricsLogging``.
        lets_time_run: what the script last asked of ``enableUntrustedDateTime``;
            governance ignores it.
    """

    source: Final = own_source(__name__)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what an earlier script asked for."""
        self.logs_execution_metrics = True
        self.lets_time_run = False

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "enableUntrustedDateTime": self._enable_untrusted_date_time,
            "enableMetricsLogging": self._enable_metrics_logging,
            "pemToId": _certificate_id,
            "tcbHexToPolicy": _tcb_policy,
        }

    def _enable_untrusted_date_time(self, enabled: bool) -> None:
        self.lets_time_run = enabled

    def _enable_metrics_logging(self, enabled: bool) -> None:
        self.logs_execution_metrics = enabled


def _certificate_id(pem: str) -> str:
    """Return a member's or user's id."""
    certificate = or_throw(
        lambda: Certificate.from_pem(utf8(pem)), "Failed to parse PEM"
    )
    return certificate.digest_hex


def _tcb_policy(cpuid_hex: str, tcb_hex: str) -> str:
    try:
        return json.dumps(policy_of_hex(cpuid_hex, tcb_hex)).decode()
    except CcfpyError as error:
        raise internal_error(str(error)) from None
