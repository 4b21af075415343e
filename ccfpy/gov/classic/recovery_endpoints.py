"""Recovery shares in the classic API: read encrypted, submitted decrypted."""

from typing import TYPE_CHECKING

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.endpoints.auth.cert import MemberCert
from ccfpy.endpoints.auth.cose import MemberCoseSign1, MemberCoseSign1Caller
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import json_reply
from ccfpy.gov import recovery_endpoints
from ccfpy.gov.classic.bodies import (
    ClassicShare,
    ClassicShareReceived,
    ClassicShareSubmission,
)
from ccfpy.gov.classic.callers import MemberCertOfPlainBody, require_active
from ccfpy.gov.classic.rows import Rows
from ccfpy.gov.ports import GovernanceNode
from ccfpy.gov.recovery_endpoints import StartOver, encrypted_share

if TYPE_CHECKING:
    from ccfpy.http.messages import Response

ROWS = Rows()


@ROWS.add(
    "/recovery_share",
    ClassicShare,
    auth=(MemberCert(), MemberCoseSign1("encrypted_recovery_share")),
    is_primarys=True,
)
def read_own_share(context: Context) -> "Response":
    """Return the caller's recovery share, encrypted to the caller."""
    member_id = require_active(
        context, otherwise="Only active members are given recovery shares."
    )
    return _share(context, member_id, called=str(member_id))


@ROWS.add("/encrypted_recovery_share/{member_id}", ClassicShare, is_primarys=True)
def read_encrypted_share(context: Context) -> "Response":
    """Return a member's recovery share, encrypted to that member."""
    member_id = MemberId(context.params["member_id"])
    return _share(context, member_id, called=f"m[{member_id}]")


def _share(context: Context, member_id: MemberId, *, called: str) -> "Response":
    share = encrypted_share(context, member_id, called=called)
    return json_reply({"encrypted_share": share})


@ROWS.add(
    "/recovery_share",
    ClassicShareReceived,
    takes=ClassicShareSubmission,
    auth=(MemberCertOfPlainBody(), MemberCoseSign1("recovery_share")),
    writes=True,
)
def submit_share(node: GovernanceNode, context: Context) -> "Response":
    """Store a member's decrypted share; start the recovery if there are enough."""
    member_id = require_active(context, otherwise="Member is not active.")
    caller, text = context.caller, context.request.body
    if isinstance(caller, MemberCoseSign1Caller):
        text = caller.content
    fields = json.loads_object(text)
    recovery_endpoints.require_waiting(node, context)
    share = fields.get("share")
    if not isinstance(share, str):
        raise Malformed("the request lacks the text 'share'")
    try:
        handed = recovery_endpoints.take_share(node, context, member_id, share)
    except StartOver as error:
        return error.response
    return json_reply({"message": handed.message})
