"""The functions on ``ccf`` itself: text, JSON and certificates to bytes and back."""

from collections.abc import Mapping
from typing import Final

from ccfpy.attestation.snp_tcb import policy_of_hex
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.crypto.certs import Certificate
from ccfpy.js.extension import ExtensionFunction, internal_error, or_throw

_SOURCE = """
(function (python, tools) {
  const { ccf, arity, methods, parse, stringify, textOf } = tools;
  const expected1 = ", but expected 1";
  const of = (kind, name) => tools.converter(kind, name, stringify, parse);
  let metricsLogging = true;
  methods(ccf, {
    strToBuf: of(0, "strToBuf"),
    bufToStr: of(1, "bufToStr"),
    jsonCompatibleToBuf: of(2, "jsonCompatibleToBuf"),
    bufToJsonCompatible: of(3, "bufToJsonCompatible"),
    enableUntrustedDateTime(...args) {
      arity(args, 1, expected1);
      const enabled = !!args[0];
      python.enableUntrustedDateTime(enabled);
      return enabled; // and not, as its type says, what was before
    },
    enableMetricsLogging(...args) {
      arity(args, 1, expected1);
      if (typeof args[0] !== "boolean") {
        throw new TypeError("First argument must be a boolean");
      }
      const previous = metricsLogging;
      metricsLogging = args[0];
      python.enableMetricsLogging(args[0]);
      return previous;
    },
    pemToId(...args) {
      arity(args, 1, expected1);
      return python.pemToId(textOf(args[0]));
    },
    tcbHexToPolicy(...args) {
      arity(args, 2, ", but expected 2");
      return parse(python.tcbHexToPolicy(textOf(args[0]), textOf(args[1])));
    },
  });
})
"""


class ConvertersExtension:
    """The extension the functions on ``ccf`` itself.

    Attributes:
        logs_execution_metrics: what the script last asked of ``enableMetricsLogging``.
        lets_time_run: what the script last asked of ``enableUntrustedDateTime``;
            governance ignores it.
    """

    source: Final = _SOURCE

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


def _text_to_bytes(text: str) -> bytes:
    """Encode; a JavaScript string may hold half a surrogate pair."""
    return text.encode(errors="surrogatepass")


def _certificate_id(pem: str) -> str:
    """Return a member's or user's id."""
    certificate = or_throw(
        lambda: Certificate.from_pem(_text_to_bytes(pem)), "Failed to parse PEM"
    )
    return certificate.digest_hex


def _tcb_policy(cpuid_hex: str, tcb_hex: str) -> str:
    try:
        return json.dumps(policy_of_hex(cpuid_hex, tcb_hex)).decode()
    except CcfpyError as error:
        raise internal_error(str(error)) from None
