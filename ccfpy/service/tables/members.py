"""Members: who governs the service, and who may help to recover it."""

from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import (
    codec_of,
    record,
    text_key,
)


class MemberStatus(StrEnum):
    """Whether a member has acknowledged the state it joins."""

    ACCEPTED = "Accepted"
    ACTIVE = "Active"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInfo:
    """A member's standing.

    Attributes:
        member_data: whatever the consortium attached; constitutions read roles here.
        recovery_role: ``None`` if it follows from having an encryption key or not.
    """

    status: MemberStatus
    member_data: Json = None
    recovery_role: RecoveryRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAck:
    """What a member has acknowledged, and what it is asked to acknowledge next.

    Attributes:
        state_digest: hex of the root to sign; empty before the first signature.
        cose_sign1_req: the member's signed request.
        signed_req: the same as services before COSE stored it.
    """

    state_digest: str = ""
    cose_sign1_req: bytes | None = None
    signed_req: Json = None


_MEMBER_ID = text_key(MemberId)

CERTS = Map("public:ccf.gov.members.certs", _MEMBER_ID, STRING)
ENCRYPTION_PUBLIC_KEYS = Map(
    "public:ccf.gov.members.encryption_public_keys", _MEMBER_ID, STRING
)
INFO = Map(
    "public:ccf.gov.members.info",
    _MEMBER_ID,
    codec_of(record(MemberInfo)),
)
ACKS = Map(
    "public:ccf.gov.members.acks",
    _MEMBER_ID,
    codec_of(record(MemberAck, always=("state_digest",))),
)
