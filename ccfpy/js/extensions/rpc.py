"""``ccf.rpc``: what an endpoint's JavaScript decides about its own transaction."""

from collections.abc import Callable
from typing import Protocol

from ccfpy.js.extension import StatelessExtension, own_source, type_error

_CLAIMS_DIGEST_BYTES = 32


class RpcContext(Protocol):
    """The request that is being answered."""

    claims_digest: bytes | None
    apply_writes: bool | None


_SOURCE = own_source(__name__)


def rpc_extension(context: Callable[[], RpcContext]) -> StatelessExtension:
    """Return the extension ``ccf.rpc``."""

    def set_apply_writes(apply_writes: bool) -> None:
        context().apply_writes = apply_writes

    def set_claims_digest(digest: bytes) -> None:
        if len(digest) != _CLAIMS_DIGEST_BYTES:
            raise type_error(
                "Argument must be an ArrayBuffer of the right size: "
                f"{_CLAIMS_DIGEST_BYTES}"
            )
        context().claims_digest = digest

    return StatelessExtension(
        _SOURCE,
        {"setApplyWrites": set_apply_writes, "setClaimsDigest": set_claims_digest},
    )
