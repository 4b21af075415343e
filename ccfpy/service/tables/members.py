"""Members: who governs the service, and who may help to recover it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from ccfpy.base.annotations import (
    REQUIRED,
    DescribedAs,
    OrAbsent,
    SchemaName,
    described,
)
from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import codec_of, text_key


class MemberStatus(StrEnum):
    """Whether a member has acknowledged the state it joins."""

    ACCEPTED = "Accepted"
    ACTIVE = "Active"


@described("MemberDetails")
class MemberInfo:
    """A member's standing.

    Attributes:
        member_data: whatever the consortium attached; constitutions read roles here.
        recovery_role: ``None`` if it follows from having an encryption key or not.
    """

    status: MemberStatus
    member_data: Json = None
    recovery_role: OrAbsent[
        Annotated[RecoveryRole, SchemaName("MemberRecoveryRole")]
    ] = None


@described("SignedReq")
class LegacySignedRequest:
    """A member's last request, signed as before COSE; described, but not read."""

    sig: bytes
    req: bytes
    request_body: bytes
    md: Annotated[
        Literal["NONE", "SHA1", "SHA256", "SHA384", "SHA512"], SchemaName("MDType")
    ]
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAck:
    """What a member has acknowledged, and what it is asked to acknowledge next.

    Attributes:
        state_digest: hex of the root to sign; empty before the first signature.
        cose_sign1_req: the member's signed request.
        signed_req: the same as services before COSE stored it.
    """

    state_digest: str = field(default="", metadata=REQUIRED)
    cose_sign1_req: OrAbsent[bytes] = None
    signed_req: Annotated[Json, DescribedAs(LegacySignedRequest)] = None


_MEMBER_ID = text_key(MemberId)

CERTS = Map("public:ccf.gov.members.certs", _MEMBER_ID, STRING)
ENCRYPTION_PUBLIC_KEYS = Map(
    "public:ccf.gov.members.encryption_public_keys", _MEMBER_ID, STRING
)
INFO = Map("public:ccf.gov.members.info", _MEMBER_ID, codec_of(MemberInfo))
ACKS = Map("public:ccf.gov.members.acks", _MEMBER_ID, codec_of(MemberAck))
