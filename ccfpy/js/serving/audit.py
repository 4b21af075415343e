"""What was done to an application by its users, for anybody to check later.

The request that changed the application is written beside the change, signed where its
author signed it. A signed request could be sent again by whoever saw it, so those of
late are remembered (``src/js/registry.cpp``, ``include/ccf/js/audit_format.h``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ccfpy.base.limits import RECENT_ACTIONS
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.kv.maps import JSON, Set, Value
from ccfpy.kv.tx import Tx
from ccfpy.service.records import BASE64, TEXT, codec_of

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


class ActionFormat(StrEnum):
    """How a request came."""

    COSE = "COSE"
    """Signed: it can be shown to anybody."""
    JSON = "JSON"
    """Bare: the service alone vouches for it."""


@dataclass(frozen=True, slots=True)
class ActionLog:
    """The tables of one application's audit, whose names begin with ``prefix``."""

    prefix: str

    def record(
        self, tx: Tx, form: ActionFormat, *, user_id: str, action: str, body: bytes
    ) -> None:
        """Write down a request beside what it changes.

        Args:
            tx: the request's transaction.
            form: how it came.
            user_id: who asked.
            action: for what, such as ``PUT /app/custom_endpoints``.
            body: the request's body as it came.
        """
        info: JsonObject = {
            "format": form.value,
            "user_id": user_id,
            "action_name": action,
        }
        Value(f"{self.prefix}.audit.input", codec_of(BASE64)).of(tx).put(body)
        Value(f"{self.prefix}.audit.info", JSON).of(tx).put(info)

    def refuse_replay(self, tx: Tx, *, created_at: int, action: bytes) -> None:
        """Remember a signed request, unless it is not the first of its kind.

        Args:
            tx: the request's transaction.
            created_at: seconds since 1970 by the signer's clock, which it signed.
            action: the signed bytes.

        Raises:
            ApiError: it was applied already, or is older than half of those of late.
        """
        recent = Set(f"{self.prefix}.recent_actions", codec_of(TEXT)).of(tx)
        moment = f"{created_at:010}"
        key = f"{moment}:{sha256_hex(action)}"
        known = sorted(recent.keys())
        if key in known:
            raise _refusal("Action was already applied")
        if known and moment < known[len(known) // 2].partition(":")[0]:
            raise _refusal("Action created_at timestamp is too old")
        recent.insert(key)
        for old in known[: max(len(known) - (RECENT_ACTIONS - 1), 0)]:
            recent.remove(old)


def _refusal(message: str) -> ApiError:
    return ApiError(500, ErrorCode.InvalidInput, message)
