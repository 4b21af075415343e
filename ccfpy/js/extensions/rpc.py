"""``ccf.rpc``: what an endpoint's JavaScript decides about its own transaction."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ccfpy.js.extension import ExtensionFunction, own_source, type_error

_CLAIMS_DIGEST_BYTES = 32


class RpcContext(Protocol):
    """The request that is being answered."""

    claims_digest: bytes | None
    apply_writes: bool | None


class RpcExtension:
    """The extension ``ccf.rpc``."""

    source: Final = own_source(__name__)

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
