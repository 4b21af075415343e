"""Members are added once, activated by acknowledging, and take part in recovery."""

from collections.abc import Callable
from typing import Any

import pytest

from ccfpy.base.ids import MemberId, NodeId, TxId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.kv.tx import Tx
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service.members import (
    NewMember,
    activate_member,
    active_recovery_members,
    add_member,
    is_recovery_member,
)
from ccfpy.service.records import Refused
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.service import SIGNATURES


@pytest.fixture
def join(tx: Tx, people: tuple[Any, ...]) -> Callable[..., MemberId]:
    def add(
        number: int,
        *,
        keyed: bool = False,
        member_data: Json = None,
        recovery_role: RecoveryRole | None = None,
    ) -> MemberId:
        person = people[number]
        key = person.encryption_pub_key if keyed else None
        new = NewMember(
            cert=person.certificate,
            encryption_pub_key=key,
            member_data=member_data,
            recovery_role=recovery_role,
        )
        return add_member(tx, new)

    return add


def test_a_member_is_accepted_with_an_empty_digest_to_acknowledge(
    tx: Tx, join: Callable[..., MemberId], people: tuple[Any, ...]
) -> None:
    member_id = join(0, keyed=True, member_data={"is_operator": True})
    assert member_id == people[0].member_id
    info = members.INFO.of(tx).get(member_id)
    assert info is not None
    assert info.status is MemberStatus.ACCEPTED
    assert info.member_data == {"is_operator": True}
    raw = members.ACKS.of(tx).raw
    assert raw.get(member_id.encode()) == b'{"state_digest":""}'
    assert members.CERTS.of(tx).get(member_id) == people[0].certificate


def test_a_member_added_later_is_asked_to_acknowledge_the_last_signed_root(
    tx: Tx, join: Callable[..., MemberId]
) -> None:
    signature = NodeSignature(
        node=NodeId("n"), txid=TxId(2, 5), root=bytes(32), signature=b""
    )
    SIGNATURES.of(tx).put(signature)
    ack = members.ACKS.of(tx).get(join(0))
    assert ack is not None
    assert ack.state_digest == "00" * 32


def test_adding_a_member_again_changes_nothing(
    tx: Tx, join: Callable[..., MemberId]
) -> None:
    member_id = join(0)
    assert activate_member(tx, member_id)
    assert join(0, member_data="other") == member_id
    info = members.INFO.of(tx).get(member_id)
    assert info is not None
    assert info.status is MemberStatus.ACTIVE
    assert info.member_data is None


@pytest.mark.parametrize(
    ("keyed", "role"),
    [
        (False, RecoveryRole.PARTICIPANT),
        (False, RecoveryRole.OWNER),
        (True, RecoveryRole.NON_PARTICIPANT),
    ],
)
def test_a_role_must_fit_the_encryption_key(
    tx: Tx, join: Callable[..., MemberId], keyed: bool, role: RecoveryRole
) -> None:
    with pytest.raises(Refused, match="cannot be added"):
        join(0, keyed=keyed, recovery_role=role)
    assert not list(members.CERTS.of(tx).items())


def test_only_active_members_with_a_key_recover_in_their_role(
    tx: Tx, join: Callable[..., MemberId]
) -> None:
    participant = join(0, keyed=True)
    owner = join(1, keyed=True, recovery_role=RecoveryRole.OWNER)
    without_key = join(2)
    for member_id in (participant, owner, without_key):
        activate_member(tx, member_id)
    waiting = join(3, keyed=True)
    participants = active_recovery_members(tx, RecoveryRole.PARTICIPANT)
    assert set(participants) == {participant}
    assert set(active_recovery_members(tx, RecoveryRole.OWNER)) == {owner}
    assert is_recovery_member(tx, waiting)
    assert not is_recovery_member(tx, without_key)


def test_activation_tells_whether_it_changed_anything(
    tx: Tx, join: Callable[..., MemberId]
) -> None:
    member_id = join(0)
    assert activate_member(tx, member_id) is True
    assert activate_member(tx, member_id) is False
    with pytest.raises(Refused, match="as they do not exist"):
        activate_member(tx, MemberId("nobody"))


def test_a_key_of_nobody_is_an_inconsistency(tx: Tx) -> None:
    members.ENCRYPTION_PUBLIC_KEYS.of(tx).put(MemberId("nobody"), "PEM")
    with pytest.raises(Refused, match="has no member info"):
        active_recovery_members(tx, RecoveryRole.PARTICIPANT)
