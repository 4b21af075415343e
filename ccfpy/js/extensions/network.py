"""``ccf.network``: the service's keys at work for an accepted proposal."""

from collections.abc import Mapping
from typing import Final, Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno
from ccfpy.js.extension import ExtensionFunction, internal_error


class ServiceAuthority(Protocol):
    """What the holder of the service key and the ledger secrets gives.

    Each raises a ``CcfpyError`` that says why it cannot.
    """

    def latest_ledger_secret_seqno(self) -> Seqno:
        """Give the seqno from which the current ledger secret is used."""
        ...

    def endorse_node(
        self, certificate_signing_request: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Give a node's certificate, signed by the service."""
        ...

    def renew_service_certificate(self, *, valid_from: str, validity_days: int) -> str:
        """Give the service's certificate anew, for the same key."""
        ...


_SOURCE = """
(function (python, { arity, namespace, textOf }) {
  const trunc = Math.trunc;
  const max = Number.MAX_SAFE_INTEGER;
  function toIndex(value) {
    const number = trunc(value) || 0;
    if (number < 0 || number > max) throw new RangeError("invalid array index");
    return number;
  }
  namespace("network", {
    getLatestLedgerSecretSeqno(...args) {
      arity(args, 0, " but expected none");
      return python.latestLedgerSecretSeqno();
    },
    generateEndorsedCertificate(...args) {
      arity(args, 3, " but expected 3");
      return python.endorseNode(textOf(args[0]), textOf(args[1]), toIndex(args[2]));
    },
    generateNetworkCertificate(...args) {
      arity(args, 2, " but expected 2");
      return python.renewServiceCertificate(textOf(args[0]), toIndex(args[1]));
    },
  });
})
"""


class NetworkExtension:
    """The extension."""

    source: Final = _SOURCE

    def __init__(self, authority: ServiceAuthority) -> None:
        self._authority = authority

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Give the host functions."""
        return {
            "latestLedgerSecretSeqno": self._latest_ledger_secret_seqno,
            "endorseNode": self._endorse_node,
            "renewServiceCertificate": self._renew_service_certificate,
        }

    def _latest_ledger_secret_seqno(self) -> int:
        try:
            return self._authority.latest_ledger_secret_seqno()
        except CcfpyError as error:
            raise internal_error(
                f"Failed to fetch latest ledger secret seqno: {error}"
            ) from None

    def _endorse_node(self, request: str, valid_from: str, days: float) -> str:
        try:
            return self._authority.endorse_node(
                request, valid_from=valid_from, validity_days=int(days)
            )
        except CcfpyError as error:
            raise internal_error(f"Failed to create endorsed cert: {error}") from None

    def _renew_service_certificate(self, valid_from: str, days: float) -> str:
        try:
            return self._authority.renew_service_certificate(
                valid_from=valid_from, validity_days=int(days)
            )
        except CcfpyError as error:
            raise internal_error(f"Error: {error}") from None
