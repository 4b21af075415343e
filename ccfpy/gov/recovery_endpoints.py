"""Recovery shares: handed out encrypted, handed back decrypted.

Anybody may read a member's encrypted share, since only that member can decrypt it. What
comes back is kept until there are enough, or one that is the whole key.
"""

import base64
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import json_reply
from ccfpy.gov import requests
from ccfpy.gov.ports import GovernanceHost
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.ledger.shares import is_whole_key
from ccfpy.service import shares
from ccfpy.service.lifecycle import ServiceStatus
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import service

if TYPE_CHECKING:
    from ccfpy.http.messages import Response


def read_encrypted_share(context: Context) -> "Response":
    """Give a member's recovery share, encrypted to that member."""
    member_id = requests.member_id(context)
    try:
        share = shares.encrypted_share(context.tx, member_id)
    except Refused as error:
        raise ApiError(500, ErrorCode.InternalError, str(error)) from error
    if share is None:
        raise ApiError(
            404,
            ErrorCode.ResourceNotFound,
            f"Recovery share not found for member m[{member_id}].",
        )
    encoded = base64.b64encode(share).decode()
    return json_reply({"memberId": member_id, "encryptedShare": encoded})


class RecoveryEndpoints:
    """Handlers that run on a node's governance host."""

    def __init__(self, host: GovernanceHost) -> None:
        self._host = host

    def submit_share(self, context: Context) -> "Response":
        """Take a member's decrypted share; with enough of them, recovery goes on."""
        tx = context.tx
        info = service.INFO.of(tx).get()
        waiting = ServiceStatus.WAITING_FOR_RECOVERY_SHARES
        if info is None or info.status is not waiting:
            raise ApiError(
                403,
                ErrorCode.ServiceNotWaitingForRecoveryShares,
                "Service is not waiting for recovery shares.",
            )
        if self._host.is_reading_private_ledger:
            raise ApiError(
                403,
                ErrorCode.NodeAlreadyRecovering,
                "Node is already recovering private ledger.",
            )
        member_id = requests.member_id(context)
        signed = requests.signed_request(context)
        requests.require_signer(member_id, signed)
        share = _decode(signed.text("share"))
        try:
            count = self._host.submit_recovery_share(tx, member_id, share)
        except CcfpyError as error:
            raise self._failure("Error submitting recovery shares.", error) from error
        whole = is_whole_key(share)
        threshold = shares.recovery_threshold(tx)
        message = (
            "Full recovery key successfully submitted"
            if whole
            else f"{count}/{threshold} recovery shares successfully submitted"
        )
        if whole or count >= threshold:
            message += "\nEnd of recovery procedure initiated"
            self._host.log("info", f"{message} - initiating recovery")
            try:
                self._host.initiate_private_recovery(tx)
            except CcfpyError as error:
                return self._start_over(context, error)
        return json_reply(
            {
                "message": message,
                "submittedCount": count,
                "recoveryThreshold": threshold,
                "fullKeySubmitted": whole,
            }
        )

    def _start_over(self, context: Context, error: CcfpyError) -> "Response":
        """Forget shares that do not fit together: they would block every later one.

        The answer is an error that is returned, not raised, since its writes count.
        """
        shares.clear_submitted(context.tx)
        context.apply_writes = True
        return self._failure("Failed to initiate private recovery.", error).response()

    def _failure(self, message: str, error: CcfpyError) -> ApiError:
        """Tell the log why, and the caller only that: the reason speaks of secrets."""
        self._host.log("fail", message)
        self._host.log("debug", f"Error: {error}")
        return ApiError(500, ErrorCode.InternalError, message)


def _decode(share: str) -> bytes:
    try:
        return base64.b64decode(share, validate=True)
    except ValueError as error:
        raise Malformed(f"not base64: {error}") from error
