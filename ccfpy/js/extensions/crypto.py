"""``ccf.crypto``, as far as constitutions need it: digests and certificates."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.limits import JS_CHAIN_CERTIFICATES_MAX
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.hashing import sha256
from ccfpy.js.host import HostFunction

if TYPE_CHECKING:
    from ccfpy.base.ports import Entropy

_SOURCE = """
(function (host, { arity, checkBuffer, namespace, toText }) {
  namespace("crypto", {
    digest(...args) {
      arity(args, 2, ", but expected 2");
      const algorithm = toText(args[0]);
      if (algorithm !== "SHA-256") {
        throw new RangeError("unsupported digest algorithm, supported: SHA-256");
      }
      checkBuffer(args[1]);
      return host.sha256(args[1]);
    },
    isValidX509CertBundle(...args) {
      arity(args, 1, ", but expected 1");
      return host.isValidBundle(toText(args[0]));
    },
    isValidX509CertChain(...args) {
      arity(args, 2, ", but expected 2");
      return host.isValidChain(toText(args[0]), toText(args[1]));
    },
  });
})
"""


class Crypto:
    """The extension.

    Args:
        unix_time_ms: the moment at which chains must be valid.
        entropy: what keys are made of.
    """

    source: Final = _SOURCE

    def __init__(self, unix_time_ms: int, entropy: "Entropy") -> None:
        self._entropy = entropy
        self.begin(unix_time_ms)

    def begin(self, unix_time_ms: int) -> None:
        """Let chains have to be valid at this moment."""
        self._unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, HostFunction]:
        """Give the host functions."""
        return {
            "sha256": sha256,
            "isValidBundle": _is_valid_bundle,
            "isValidChain": self._is_valid_chain,
        }

    def _is_valid_chain(self, chain: str, trusted: str) -> bool:
        """Tell whether the first certificate of ``chain`` leads to a trusted one.

        The others of ``chain`` may help in any order. Trusted certificates must be
        authorities, but not roots. Path lengths and name constraints do not count.
        """
        now = datetime.fromtimestamp(self._unix_time_ms / 1000, UTC)
        try:
            target, *helpers = parse_bundle(_utf8(chain))
            anchors = parse_bundle(_utf8(trusted))
        except CcfpyError:
            return False
        if len(helpers) + len(anchors) > JS_CHAIN_CERTIFICATES_MAX:
            return False
        if not all(anchor.is_authority for anchor in anchors):
            return False
        anchors = [anchor for anchor in anchors if _is_current(anchor, now)]
        helpers = [c for c in helpers if c.is_authority and _is_current(c, now)]
        return _is_current(target, now) and _leads_to(target, helpers, anchors)


def _leads_to(
    certificate: Certificate, helpers: list[Certificate], anchors: list[Certificate]
) -> bool:
    """Walk from issuer to issuer, each only once."""
    unused = list(helpers)
    reached = [certificate]
    while reached:
        current = reached.pop()
        if any(current == a or _is_issued_by(current, a) for a in anchors):
            return True
        issuers = [helper for helper in unused if _is_issued_by(current, helper)]
        unused = [helper for helper in unused if helper not in issuers]
        reached += issuers
    return False


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_signed_by(issuer)
    except VerificationFailed:
        return False
    return True


def _is_current(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_before <= now <= certificate.not_after


def _is_valid_bundle(pem: str) -> bool:
    """Tell whether the text is certificates, at least one, in PEM."""
    try:
        return len(parse_bundle(_utf8(pem))) > 0
    except CcfpyError:
        return False


def _utf8(text: str) -> bytes:
    """Encode; a JavaScript string may hold half a surrogate pair."""
    return text.encode(errors="surrogatepass")
