"""Members become Active by signing the state they are shown."""

import json

import pytest

from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256
from ccfpy.http.messages import Response
from ccfpy.kv.maps import RAW, Map
from ccfpy.service.members import NewMember, add_member
from ccfpy.service.tables import members, service
from ccfpy.service.tables.service import SIGNATURES
from tests.attacks import attack
from tests.unit.gov.conftest import Governed, body

ROOT = sha256(b"root 1").hex()


def path_of(governed: Governed, member: int) -> str:
    return f"/members/state-digests/{governed.members[member].member_id}"


def error_of(reply: Response) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


def status_of(governed: Governed, member: int) -> str:
    member_id = governed.members[member].member_id
    return str(body(governed.get(f"/service/members/{member_id}"))["status"])


def test_a_member_signs_the_last_signed_root_and_is_active(fresh: Governed) -> None:
    path = path_of(fresh, 0)
    member_id = fresh.members[0].member_id
    assert body(fresh.get(path)) == {"memberId": member_id, "stateDigest": ""}
    updated = fresh.post(f"{path}:update", by=0, kind="state_digest")
    assert body(updated) == {"memberId": member_id, "stateDigest": ROOT}
    assert body(fresh.get(path)) == body(updated)
    assert status_of(fresh, 0) == "Accepted"
    reply = fresh.post(f"{path}:ack", {"stateDigest": ROOT}, by=0, kind="ack")
    assert (reply.status, reply.body) == (204, b"")
    assert status_of(fresh, 0) == "Active"
    assert status_of(fresh, 1) == "Accepted"


def test_the_signed_request_is_kept_for_auditors(fresh: Governed) -> None:
    assert fresh.acknowledge(0).status == 204
    ack = members.ACKS.of(fresh.begin()).get(fresh.members[0].member_id)
    assert ack is not None
    assert ack.cose_sign1_req is not None
    assert ack.state_digest == ROOT


@pytest.mark.parametrize("form", range(4))
@attack("gov: an acknowledgement again")
def test_an_acknowledgement_is_recorded_once(fresh: Governed, form: int) -> None:
    assert fresh.acknowledge(0).status == 204
    member_id = fresh.members[0].member_id
    ack = members.ACKS.of(fresh.begin()).get(member_id)
    assert ack is not None
    assert ack.cose_sign1_req is not None
    version = fresh.store.version
    again = cose.forms(ack.cose_sign1_req)[form]
    is_same = cose.parse(again).signature == cose.parse(ack.cose_sign1_req).signature
    reply = fresh.send(f"{path_of(fresh, 0)}:ack", again)
    assert reply.status == (204 if is_same else 400)
    assert fresh.store.version == version


@attack("gov: an acknowledgement again")
def test_an_earlier_acknowledgement_does_not_replace_a_later_one(
    fresh: Governed,
) -> None:
    path, digest = path_of(fresh, 0), {"stateDigest": ROOT}
    assert fresh.acknowledge(0).status == 204
    recorded_at = fresh.now_s
    same = fresh.post(f"{path}:ack", digest, by=0, kind="ack", created_at=recorded_at)
    assert same.status == 204
    earlier = fresh.post(
        f"{path}:ack", digest, by=0, kind="ack", created_at=recorded_at - 1
    )
    assert error_of(earlier) == (
        400,
        "InvalidCreatedAt",
        (
            f"Member m[{fresh.members[0].member_id}] has acknowledged the state later "
            f"than that, created_at must not be less than {recorded_at}"
        ),
    )


def test_a_record_that_cannot_be_read_stands_in_nobodys_way(fresh: Governed) -> None:
    assert fresh.acknowledge(0).status == 204
    tx = fresh.begin()
    record = members.MemberAck(state_digest=ROOT, cose_sign1_req=b"older")
    members.ACKS.of(tx).put(fresh.members[0].member_id, record)
    fresh.store.commit(tx)
    assert fresh.acknowledge(0).status == 204


def test_a_member_who_is_not_active_may_acknowledge_again(fresh: Governed) -> None:
    """A member who is added again under the same certificate begins again."""
    assert fresh.acknowledge(0).status == 204
    tx = fresh.begin()
    info = members.MemberInfo(status=members.MemberStatus.ACCEPTED)
    members.INFO.of(tx).put(fresh.members[0].member_id, info)
    fresh.store.commit(tx)
    assert fresh.acknowledge(0).status == 204
    assert status_of(fresh, 0) == "Active"


def test_another_digest_than_the_one_shown_is_refused(fresh: Governed) -> None:
    path = path_of(fresh, 0)
    fresh.post(f"{path}:update", by=0, kind="state_digest")
    reply = fresh.post(f"{path}:ack", {"stateDigest": "ab"}, by=0, kind="ack")
    assert error_of(reply) == (
        400,
        "StateDigestMismatch",
        f"Submitted state digest is not valid.\nExpected\n {ROOT}\nReceived\n ab",
    )
    assert status_of(fresh, 0) == "Accepted"


def test_a_payload_without_digest_is_refused(fresh: Governed) -> None:
    for payload in (None, {}, {"stateDigest": 1}):
        reply = fresh.post(f"{path_of(fresh, 0)}:ack", payload, by=0, kind="ack")
        assert error_of(reply)[:2] == (400, "InvalidInput")


def test_nobody_acknowledges_for_another(fresh: Governed) -> None:
    path = path_of(fresh, 0)
    named, signer = (fresh.members[number].member_id for number in (0, 1))
    for operation, kind in (("update", "state_digest"), ("ack", "ack")):
        reply = fresh.post(f"{path}:{operation}", {}, by=1, kind=kind)
        assert error_of(reply) == (
            400,
            "InvalidAuthenticationInfo",
            (
                f"Member ID from path parameter (m[{named}]) does not match member ID "
                f"from body signature (m[{signer}])."
            ),
        )


def test_before_the_first_signature_there_is_nothing_to_sign(fresh: Governed) -> None:
    tx = fresh.begin()
    SIGNATURES.of(tx).remove()
    fresh.store.commit(tx)
    reply = fresh.post(f"{path_of(fresh, 0)}:update", by=0, kind="state_digest")
    assert error_of(reply) == (
        500,
        "InternalError",
        "Service has no signatures to ack yet - try again soon.",
    )


def test_who_was_never_asked_has_no_record(fresh: Governed) -> None:
    tx = fresh.begin()
    members.ACKS.of(tx).remove(fresh.members[0].member_id)
    fresh.store.commit(tx)
    message = f"No ACK record exists for member m[{fresh.members[0].member_id}]."
    path = path_of(fresh, 0)
    assert error_of(fresh.get(path)) == (404, "ResourceNotFound", message)
    reply = fresh.post(f"{path}:ack", {"stateDigest": ""}, by=0, kind="ack")
    assert error_of(reply) == (403, "AuthorizationFailed", message)


def join(governed: Governed) -> None:
    """Admit the fourth member."""
    newcomer = governed.members[3]
    tx = governed.begin()
    key = newcomer.encryption.public_key.pem
    add_member(tx, NewMember(cert=newcomer.certificate, encryption_pub_key=key))
    governed.store.commit(tx)


def test_a_new_recovery_member_of_an_open_service_gets_a_share(
    opened: Governed,
) -> None:
    join(opened)
    share = f"/recovery/encrypted-shares/{opened.members[3].member_id}"
    assert opened.get(share).status == 404
    assert opened.acknowledge(3).status == 204
    assert opened.node.asked == ["refresh"]
    assert opened.get(share).status == 200
    assert opened.acknowledge(3).status == 204
    assert opened.node.asked == ["refresh"]


def test_before_opening_nobody_gets_a_share(fresh: Governed) -> None:
    assert fresh.acknowledge(0).status == 204
    assert fresh.node.asked == []


def test_shares_that_cannot_be_issued_keep_the_member_out(opened: Governed) -> None:
    join(opened)
    tx = opened.begin()
    too_many = service.ServiceConfiguration(recovery_threshold=9)
    service.CONFIGURATION.of(tx).put(too_many)
    opened.store.commit(tx)
    status, code, message = error_of(opened.acknowledge(3))
    assert (status, code) == (500, "InternalError")
    assert message.startswith("Error issuing new recovery shares: ")
    assert status_of(opened, 3) == "Accepted"


def test_a_member_without_standing_cannot_be_activated(fresh: Governed) -> None:
    member_id = fresh.members[0].member_id
    tx = fresh.begin()
    members.INFO.of(tx).remove(member_id)
    fresh.store.commit(tx)
    reply = fresh.post(
        f"{path_of(fresh, 0)}:ack", {"stateDigest": ""}, by=0, kind="ack"
    )
    assert error_of(reply) == (
        500,
        "InternalError",
        (
            f"Error activating member: Member {member_id} cannot be activated as they "
            "do not exist"
        ),
    )


def test_without_a_service_there_is_nothing_to_recover(fresh: Governed) -> None:
    tx = fresh.begin()
    service.INFO.of(tx).remove()
    fresh.store.commit(tx)
    reply = fresh.post(
        f"{path_of(fresh, 0)}:ack", {"stateDigest": ""}, by=0, kind="ack"
    )
    assert error_of(reply)[2] == "No service currently available."


def test_an_old_signed_request_is_replaced(fresh: Governed) -> None:
    member_id = fresh.members[0].member_id
    tx = fresh.begin()
    raw = Map(members.ACKS.name, members.ACKS.key_codec, RAW)
    raw.of(tx).put(member_id, b'{"signed_req":{"sig":""},"state_digest":""}')
    fresh.store.commit(tx)
    fresh.acknowledge(0)
    ack = members.ACKS.of(fresh.begin()).get(member_id)
    assert ack is not None
    assert ack.signed_req is None
