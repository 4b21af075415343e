"""Members in the classic API: who they are, how they become Active, and their shares.

A member's recovery share is read encrypted and submitted decrypted.
"""

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.endpoints.auth.cert import MemberCert
from ccfpy.endpoints.auth.cose import MemberCoseSign1, MemberCoseSign1Caller
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.gov import recovery_endpoints
from ccfpy.gov.ack_endpoints import is_repeated, issue_share
from ccfpy.gov.classic.endpoints import (
    MemberCertOfPlainBody,
    Rows,
    caller_of,
    require_active,
)
from ccfpy.gov.classic.proposal_endpoints import (
    ClassicMember,
    ClassicShare,
    ClassicShareReceived,
    ClassicShareSubmission,
    ClassicStateDigest,
    ClassicTokenKey,
)
from ccfpy.gov.operations import GovernanceNode
from ccfpy.gov.recovery_endpoints import StartOver, encrypted_share
from ccfpy.gov.requests import signed_request
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.service import members as membership
from ccfpy.service.records import Refused
from ccfpy.service.tables import jwt, members
from ccfpy.service.tables.members import MemberAck
from ccfpy.service.tables.service import SIGNATURES

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx


ROWS = Rows()


@ROWS.add(
    "/ack/update_state_digest",
    ClassicStateDigest,
    auth=(MemberCert(), MemberCoseSign1("state_digest")),
    writes=True,
)
def update_state_digest(_: GovernanceNode, context: Context) -> "Response":
    """Ask a member to sign the root of the last signature."""
    member_id = caller_of(context)
    ack = _ack_of(context.tx, member_id)
    signature = SIGNATURES.of(context.tx).get()
    digest = ack.state_digest
    if signature is not None:
        digest = signature.root.hex()
        asked = replace(ack, state_digest=digest)
        members.ACKS.of(context.tx).put(member_id, asked)
    return json_reply({"state_digest": digest})


@ROWS.add(
    "/ack", None, takes=ClassicStateDigest, auth=(MemberCoseSign1("ack"),), writes=True
)
def acknowledge(node: GovernanceNode, context: Context) -> "Response":
    """Record a member's signature over the digest, and make the member Active."""
    member_id = caller_of(context)
    tx = context.tx
    signed = signed_request(context)
    if not isinstance(signed.json(), dict):
        raise Malformed("the signed request is no JSON object")
    ack = _ack_of(tx, member_id)
    if ack.state_digest != signed.text("state_digest"):
        raise ApiError(
            400,
            ErrorCode.StateDigestMismatch,
            "Submitted state digest is not valid.",
        )
    if is_repeated(tx, ack, signed):
        return empty_reply(204)
    signature = SIGNATURES.of(tx).get()
    digest = "" if signature is None else signature.root.hex()
    kept = MemberAck(state_digest=digest, cose_sign1_req=signed.envelope)
    members.ACKS.of(tx).put(member_id, kept)
    _activate(node, tx, member_id)
    return empty_reply(204)


def _activate(node: GovernanceNode, tx: "Tx", member_id: "MemberId") -> None:
    """Make a member Active; in an open service, issue all shares anew.

    Shares are issued even if the member was Active before.
    """
    try:
        membership.activate_member(tx, member_id)
    except Refused as error:
        message = f"Error activating new member: {error}"
        raise ApiError(403, ErrorCode.AuthorizationFailed, message) from error
    issue_share(node, tx, member_id)


@ROWS.add("/members", dict[MemberId, ClassicMember])
def list_members(context: Context) -> "Response":
    """Describe every member, by its id."""
    tx = context.tx
    certificates = members.CERTS.of(tx)
    keys = members.ENCRYPTION_PUBLIC_KEYS.of(tx)
    found: JsonObject = {
        member_id: {
            "status": info.status.value,
            "member_data": info.member_data,
            "cert": certificates.get(member_id) or "",
            "public_encryption_key": keys.get(member_id),
        }
        for member_id, info in members.INFO.of(tx).items()
    }
    return json_reply(found)


@ROWS.add("/jwt_keys/all", dict[str, list[ClassicTokenKey]], is_primarys=True)
def list_jwt_keys(context: Context) -> "Response":
    """Return the keys that may sign tokens, by key id.

    The certificate is empty, since the service keeps only keys: ``public_key`` is DER
    as base64.
    """
    found: JsonObject = {
        key_id: [_signing_key(key) for key in keys]
        for key_id, keys in jwt.SIGNING_KEYS.of(context.tx).items()
    }
    return json_reply(found)


def _signing_key(key: jwt.SigningKey) -> "Json":
    public_key = base64.b64encode(key.public_key).decode()
    return {"issuer": key.issuer, "cert": "", "public_key": public_key}


def _ack_of(tx: "Tx", member_id: "MemberId") -> MemberAck:
    ack = members.ACKS.of(tx).get(member_id)
    if ack is None:
        raise ApiError(
            403,
            ErrorCode.AuthorizationFailed,
            f"No ACK record exists for caller m[{member_id}].",
        )
    return ack


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
