"""What users did to an application, for anybody to check later.

A request that changes the application is written beside the change, with its signature
if the author signed it. Anybody who saw a signed request could send it again, so recent
requests are remembered (``src/js/registry.cpp``, ``include/ccf/js/audit_format.h``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ccfpy.base.limits import RECENT_ACTIONS
from ccfpy.crypto.cose import forms
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.auth.cose import UserCoseSign1Caller
from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.kv.maps import Map, Set, Value
from ccfpy.kv.tx import Tx
from ccfpy.service.recent import RecentRequests, key_of, moment
from ccfpy.service.records import JSON, codec_of

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


class ActionFormat(StrEnum):
    """How a request was sent."""

    COSE = "COSE"
    """Signed: the request proves its author to anybody."""
    JSON = "JSON"
    """Unsigned: only the service vouches for the author."""


@dataclass(frozen=True, slots=True)
class ActionLog:
    """The tables of one application's audit, whose names begin with ``prefix``."""

    prefix: str

    def record(
        self, tx: Tx, form: ActionFormat, *, user_id: str, action: str, body: bytes
    ) -> None:
        """Write a request beside what it changes.

        Args:
            tx: the request's transaction.
            form: how the request was sent.
            user_id: the user who sent the request.
            action: what the request asks for, such as ``PUT /app/custom_endpoints``.
            body: the request's body as received.
        """
        info: JsonObject = {
            "format": form.value,
            "user_id": user_id,
            "action_name": action,
        }
        Value(f"{self.prefix}.audit.input", codec_of(bytes)).of(tx).put(body)
        Value(f"{self.prefix}.audit.info", JSON).of(tx).put(info)

    def refuse_replay(self, context: Context, signed: UserCoseSign1Caller) -> None:
        """Remember a signed request, or refuse a request that was applied already.

        A request is remembered by its signed content and its signer. Anybody can change
        its bytes so that it still verifies, and a second signature of the same content
        asks for nothing new. Each user has a window of their own, which nobody else can
        move.

        Args:
            context: the request.
            signed: the signer, as the policy found.

        Raises:
            ApiError: the request was applied already, has no time, is ahead of the
                node's clock, or is older than half of the remembered requests.
        """
        created_at = signed.created_at
        if created_at is None:
            raise _refusal("Action has no created_at timestamp")
        if created_at > context.node.created_at_latest_s:
            raise _refusal("Action created_at timestamp is ahead of the node's clock")
        tx, user_id = context.tx, signed.user_id
        recent = Set(f"{self.prefix}.recent_actions", codec_of(str)).of(tx)
        authors = Map(
            f"{self.prefix}.recent_actions_by", codec_of(str), codec_of(str)
        ).of(tx)
        known, authored = frozenset(recent.keys()), dict(authors.items())
        key = key_of(created_at, signed.envelope.signed_digest)
        # Earlier versions remembered the request's bytes.
        body = context.request.body
        former = (key_of(created_at, sha256(each)) for each in (body, *forms(body)))
        if key in known or not known.isdisjoint(former):
            raise _refusal("Action was already applied")
        window = RecentRequests.of(
            (each for each, author in authored.items() if author == user_id),
            former=(each for each in known if each not in authored),
            latest_s=context.node.created_at_latest_s,
        )
        oldest, time = window.oldest_allowed, moment(created_at)
        # If all keys of an earlier version are ahead of the clock, what was forgotten
        # is unknown. Unsigned requests are still accepted.
        is_unknown = window.is_displaced and not window.former
        if is_unknown or (oldest is not None and time < oldest):
            raise _refusal("Action created_at timestamp is too old")
        if window.is_full_at(time):
            raise _refusal("Action created_at timestamp is too old")
        recent.insert(key)
        authors.put(key, user_id)
        for old in window.surplus(key, RECENT_ACTIONS):
            recent.remove(old)
            authors.remove(old)


def _refusal(message: str) -> ApiError:
    return ApiError(500, ErrorCode.InvalidInput, message)
