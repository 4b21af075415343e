"""Who is a member, and what part each plays in a recovery.

Constitutions add and remove members themselves, in JavaScript; the node adds the first
ones and activates those who acknowledge the state (``internal_tables_access.h``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.tx import Tx
from ccfpy.service.records import Refused
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberAck, MemberInfo, MemberStatus
from ccfpy.service.tables.service import SIGNATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """A member to be.

    Attributes:
        cert: PEM; its digest is the member's id.
        encryption_pub_key: RSA as PEM; a member with such a key takes part in recovery.
        recovery_role: must fit having an encryption key or not.
    """

    cert: str
    encryption_pub_key: str | None = None
    member_data: Json = None
    recovery_role: RecoveryRole | None = None


def add_member(tx: Tx, new: NewMember) -> MemberId:
    """Accept a member, who must still acknowledge the state; return its id.

    If the member exists already, nothing changes.

    Raises:
        Refused: the recovery role does not fit the encryption key.
        Malformed: the certificate is none.
    """
    member_id = MemberId(Certificate.from_pem(new.cert).digest_hex)
    certs = members.CERTS.of(tx)
    if certs.has(member_id):
        return member_id
    _check_role(member_id, new)
    certs.put(member_id, new.cert)
    info = MemberInfo(
        status=MemberStatus.ACCEPTED,
        member_data=new.member_data,
        recovery_role=new.recovery_role,
    )
    members.INFO.of(tx).put(member_id, info)
    if new.encryption_pub_key is not None:
        keys = members.ENCRYPTION_PUBLIC_KEYS.of(tx)
        keys.put(member_id, new.encryption_pub_key)
    signature = SIGNATURES.of(tx).get()
    digest = "" if signature is None else signature.root.hex()
    members.ACKS.of(tx).put(member_id, MemberAck(state_digest=digest))
    return member_id


def _check_role(member_id: MemberId, new: NewMember) -> None:
    if new.recovery_role is None:
        return
    takes_part = new.recovery_role is not RecoveryRole.NON_PARTICIPANT
    if new.encryption_pub_key is None and takes_part:
        raise Refused(
            f"Member {member_id} cannot be added as recovery_role has a value set but "
            "no encryption public key is specified"
        )
    if new.encryption_pub_key is not None and not takes_part:
        raise Refused(
            f"Recovery member {member_id} cannot be added as with recovery role value "
            f"of {new.recovery_role}"
        )


def activate_member(tx: Tx, member_id: MemberId) -> bool:
    """Make a member Active; tell whether it was not before.

    Raises:
        Refused: there is no such member.
    """
    infos = members.INFO.of(tx)
    info = infos.get(member_id)
    if info is None:
        raise Refused(f"Member {member_id} cannot be activated as they do not exist")
    infos.put(
        member_id,
        MemberInfo(
            status=MemberStatus.ACTIVE,
            member_data=info.member_data,
            recovery_role=info.recovery_role,
        ),
    )
    return info.status is not MemberStatus.ACTIVE


def is_recovery_member(tx: Tx, member_id: MemberId) -> bool:
    """Return whether a member has an encryption key, and so takes part in recovery."""
    return members.ENCRYPTION_PUBLIC_KEYS.of(tx).has(member_id)


def active_recovery_members(tx: Tx, role: RecoveryRole) -> Mapping[MemberId, str]:
    """Return the encryption keys of the Active members of a recovery role.

    A member without a stated role is a participant.

    Raises:
        Refused: a key belongs to nobody.
    """
    infos = members.INFO.of(tx)
    found: dict[MemberId, str] = {}
    for member_id, key in members.ENCRYPTION_PUBLIC_KEYS.of(tx).items():
        info = infos.get(member_id)
        if info is None:
            raise Refused(f"Recovery member {member_id} has no member info")
        if info.status is not MemberStatus.ACTIVE:
            continue
        if (info.recovery_role or RecoveryRole.PARTICIPANT) is role:
            found[member_id] = key
    return found
