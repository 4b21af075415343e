"""Recovery shares: read encrypted, submitted decrypted, and whose have arrived.

Anybody may read a member's encrypted share, since only that member can decrypt it.
Submitted shares are kept until there are enough, or until one is the whole key.

How a recovery stands is an extension, under a path that CCF does not have. CCF tells
only the member who hands in a share how many there are, and never whose they are. Both
are public in the ledger all the same: shares are sealed, and the table's keys are
members' ids.
"""

import base64
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.endpoints.auth.cose import ActiveMemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json, json_reply, record_reply
from ccfpy.gov import requests
from ccfpy.gov.definitions import EncryptedShareBody, RecoveryBody, RecoveryStanding
from ccfpy.gov.operations import GovernanceNode, Operations
from ccfpy.http.errors import ApiError, ErrorCode, internal_error, not_found
from ccfpy.ledger.encrypted_shares import is_whole_key
from ccfpy.service import shares
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery, service

if TYPE_CHECKING:
    from ccfpy.endpoints.registry import Registry
    from ccfpy.http.messages import Response


OPERATIONS: Operations = Operations()


@OPERATIONS.read(
    "/recovery/encrypted-shares/{memberId}", "EncryptedShares_Get", EncryptedShareBody
)
def read_encrypted_share(context: Context) -> "Response":
    """Return a member's recovery share, encrypted to that member."""
    member_id = requests.member_id(context)
    share = encrypted_share(context, member_id, called=f"m[{member_id}]")
    return json_reply({"memberId": member_id, "encryptedShare": share})


def encrypted_share(context: Context, member_id: MemberId, *, called: str) -> str:
    """Return a member's share as base64.

    Raises:
        ApiError: there is none, or the shares cannot be read.
    """
    try:
        share = shares.encrypted_share(context.tx, member_id)
    except Refused as error:
        raise internal_error(str(error)) from error
    if share is None:
        raise not_found(f"Recovery share not found for member {called}.")
    return base64.b64encode(share).decode()


@OPERATIONS.signed(
    "/recovery/members/{memberId}:recover",
    "Shares_Submit",
    RecoveryBody,
    ActiveMemberCoseSign1("recovery_share"),
)
def submit_share(node: GovernanceNode, context: Context) -> "Response":
    """Store a member's decrypted share; start the recovery if there are enough."""
    require_waiting(node, context)
    member_id = requests.member_id(context)
    signed = requests.signed_request(context)
    requests.require_signer(member_id, signed)
    try:
        handed = take_share(node, context, member_id, signed.text("share"))
    except StartOver as error:
        return error.response
    return record_reply(handed)


def require_waiting(node: GovernanceNode, context: Context) -> None:
    """Raise unless the service waits for shares.

    Raises:
        ApiError: 403: the service or this node does not wait for shares.
    """
    info = service.INFO.of(context.tx).get()
    waiting = ServiceStatus.WAITING_FOR_RECOVERY_SHARES
    if info is None or info.status is not waiting:
        raise ApiError(
            403,
            ErrorCode.ServiceNotWaitingForRecoveryShares,
            "Service is not waiting for recovery shares.",
        )
    if node.is_reading_private_ledger:
        raise ApiError(
            403,
            ErrorCode.NodeAlreadyRecovering,
            "Node is already recovering private ledger.",
        )


def take_share(
    node: GovernanceNode, context: Context, member_id: MemberId, text: str
) -> RecoveryBody:
    """Store a share, and start the recovery if there are enough.

    Args:
        node: keeps the share.
        context: the request.
        member_id: the member, as the request has proved.
        text: the share, as base64.

    Raises:
        StartOver: the shares do not combine to the key.
    """
    tx = context.tx
    share = _decode(text)
    try:
        count = node.submit_recovery_share(tx, member_id, share)
    except CcfpyError as error:
        raise _failure(node, "Error submitting recovery shares.", error) from error
    whole = is_whole_key(share)
    threshold = shares.recovery_threshold(tx)
    message = (
        "Full recovery key successfully submitted"
        if whole
        else f"{count}/{threshold} recovery shares successfully submitted"
    )
    if whole or count >= threshold:
        message += "\nEnd of recovery procedure initiated"
        node.log("info", f"{message} - initiating recovery")
        try:
            node.initiate_private_recovery(tx)
        except CcfpyError as error:
            raise _start_over(node, context, error) from error
    return RecoveryBody(
        message=message,
        submittedCount=count,
        recoveryThreshold=threshold,
        fullKeySubmitted=whole,
    )


def _start_over(
    node: GovernanceNode, context: Context, error: CcfpyError
) -> "StartOver":
    """Forget the submitted shares: they would block every later recovery."""
    shares.clear_submitted(context.tx)
    context.apply_writes = True
    message = "Failed to initiate private recovery."
    return StartOver(_failure(node, message, error).response())


def _failure(node: GovernanceNode, message: str, error: CcfpyError) -> ApiError:
    """Return the error for the caller; only the log has the reason.

    The reason may say something about secrets.
    """
    node.log("fail", message)
    node.log("debug", f"Error: {error}")
    return internal_error(message)


class StartOver(Exception):
    """The shares did not combine to the key, and were forgotten.

    Attributes:
        response: the error for the caller. A handler must return it and not raise it,
            so that the writes are applied.
    """

    def __init__(self, response: "Response") -> None:
        super().__init__("the submitted shares do not fit together")
        self.response = response


def _decode(share: str) -> bytes:
    try:
        return base64.b64decode(share, validate=True)
    except ValueError as error:
        raise Malformed(f"not base64: {error}") from error


STANDING_PATH: Final = "/ccfpy/recovery"


def add_recovery_standing(registry: "Registry") -> None:
    """Add the endpoint that tells how a recovery stands."""
    registry.add(
        Endpoint(
            method="GET",
            path=STANDING_PATH,
            handler=for_who_takes_json(read_standing),
            mode=Mode.READ_ONLY,
            forwarding=Forwarding.SOMETIMES,
            redirection=Redirection.NONE,
            operation=Operation(
                summary="Who has a recovery share, and who has handed one in",
                hidden=True,
            ),
        )
    )


def read_standing(context: "Context") -> "Response":
    """Return who has a share, and whose shares this service has been given.

    Raises:
        ApiError: 500, the service has no configuration.
    """
    issued = recovery.SHARES.of(context.tx).get()
    try:
        threshold = shares.recovery_threshold(context.tx)
    except Refused as error:
        raise internal_error(str(error)) from error
    return record_reply(
        RecoveryStanding(
            recoveryThreshold=threshold,
            shareholders=sorted(issued.encrypted_shares) if issued else [],
            submittedMembers=sorted(
                member for member, _ in recovery.SUBMITTED_SHARES.of(context.tx).items()
            ),
        )
    )
