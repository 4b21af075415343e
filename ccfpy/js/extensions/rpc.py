"""``ccf.rpc``: what an endpoint's JavaScript decides about its own transaction."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ccfpy.js.extension import ExtensionFunction, type_error

_CLAIMS_DIGEST_BYTES = 32


class RpcContext(Protocol):
    """The request that is being answered."""

    claims_digest: bytes | None
    apply_writes: bool | None


_SOURCE = """
(function (python, { arity, checkBuffer, namespace }) {
  const expected1 = " but expected 1";
  namespace("rpc", {
    setApplyWrites(...args) {
      arity(args, 1, expected1);
      python.setApplyWrites(!!args[0]);
    },
    setClaimsDigest(...args) {
      arity(args, 1, expected1);
      checkBuffer(args[0]);
      python.setClaimsDigest(args[0]);
    },
  });
})
"""


class RpcExtension:
    """The extension ``ccf.rpc``."""

    source: Final = _SOURCE

    def __init__(self, context: Callable[[], RpcContext]) -> None:
        self._context = context

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "setApplyWrites": self._set_apply_writes,
            "setClaimsDigest": self._set_claims_digest,
        }

    def _set_apply_writes(self, apply_writes: bool) -> None:
        self._context().apply_writes = apply_writes

    def _set_claims_digest(self, digest: bytes) -> None:
        if len(digest) != _CLAIMS_DIGEST_BYTES:
            raise type_error(
                "Argument must be an ArrayBuffer of the right size: "
                f"{_CLAIMS_DIGEST_BYTES}"
            )
        self._context().claims_digest = digest
