"""Members become Active, are described, and hand in shares."""

import base64
import json
from dataclasses import replace

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256
from ccfpy.http.messages import Response
from ccfpy.service.tables import jwt, members, recovery, service
from ccfpy.service.tables.jwt import SigningKey
from ccfpy.service.tables.members import MemberAck
from ccfpy.service.tables.service import SIGNATURES
from tests.attacks import attack
from tests.unit.gov.classic.conftest import COSE, UNKNOWN, Classic, error_of, value_of

ROOT = sha256(b"root 1").hex()


def test_a_member_signs_what_it_is_told_and_is_active(newborn: Classic) -> None:
    asked = newborn.post("/ack/update_state_digest", "state_digest")
    assert value_of(asked) == {"state_digest": ROOT}
    reply = newborn.post("/ack", "ack", asked.body)
    assert (reply.status, reply.body) == (204, b"")
    member = value_of(newborn.get("/members"))[newborn.member_id(0)]
    assert isinstance(member, dict)
    assert member["status"] == "Active"
    ack = members.ACKS.of(newborn.governed.begin()).get(newborn.member_id(0))
    assert ack is not None
    assert ack.state_digest == ROOT
    assert ack.cose_sign1_req is not None


def test_the_answer_may_be_printed_anew_before_it_is_signed(newborn: Classic) -> None:
    asked = newborn.post("/ack/update_state_digest", "state_digest", {"any": "thing"})
    pretty = json.dumps(value_of(asked), indent=2).encode()
    assert newborn.post("/ack", "ack", pretty).status == 204


def test_another_digest_is_not_acknowledged(newborn: Classic) -> None:
    newborn.post("/ack/update_state_digest", "state_digest")
    reply = newborn.post("/ack", "ack", {"state_digest": "00"})
    message = "Submitted state digest is not valid."
    assert error_of(reply) == (400, "StateDigestMismatch", message)


@pytest.mark.parametrize("payload", [b"", b"x", [], {}, {"state_digest": 1}])
def test_what_is_no_digest_is_refused(newborn: Classic, payload: object) -> None:
    assert error_of(newborn.post("/ack", "ack", payload))[:2] == (400, "InvalidInput")


def test_before_the_first_signature_the_digest_is_as_it_was(newborn: Classic) -> None:
    tx = newborn.governed.begin()
    SIGNATURES.of(tx).remove()
    acks = members.ACKS.of(tx)
    acks.put(newborn.member_id(0), MemberAck(state_digest="ab"))
    newborn.governed.store.commit(tx)
    asked = newborn.post("/ack/update_state_digest", "state_digest")
    assert value_of(asked) == {"state_digest": "ab"}
    assert newborn.post("/ack", "ack", asked.body).status == 204
    kept = members.ACKS.of(newborn.governed.begin()).get(newborn.member_id(0))
    assert kept is not None
    assert kept.state_digest == ""


def test_who_has_no_record_is_refused(newborn: Classic) -> None:
    tx = newborn.governed.begin()
    members.ACKS.of(tx).remove(newborn.member_id(0))
    newborn.governed.store.commit(tx)
    message = f"No ACK record exists for caller m[{newborn.member_id(0)}]."
    refused = (403, "AuthorizationFailed", message)
    update = newborn.post("/ack/update_state_digest", "state_digest")
    assert error_of(update) == refused
    assert error_of(newborn.post("/ack", "ack", {"state_digest": ""})) == refused


@attack("gov: an acknowledgement again")
def test_an_ack_again_shares_nothing(serving: Classic) -> None:
    serving.admit(3)
    digest = serving.post("/ack/update_state_digest", "state_digest", by=3)
    ack = serving.sign("ack", digest.body, by=3)
    assert serving.call("POST", "/ack", body=ack, headers=COSE).status == 204
    asked = list(serving.governed.node.asked)
    for again, status in zip(cose.forms(ack), (204, 400) * 2, strict=True):
        reply = serving.call("POST", "/ack", body=again, headers=COSE)
        assert reply.status == status
    assert serving.governed.node.asked == asked


def test_every_ack_of_an_open_service_shares_anew(serving: Classic) -> None:
    serving.admit(3)
    for _ in range(2):
        asked = serving.post("/ack/update_state_digest", "state_digest", by=3)
        assert serving.post("/ack", "ack", asked.body, by=3).status == 204
    assert serving.governed.node.asked == ["refresh", "refresh"]


def test_a_member_without_share_leaves_the_shares_alone(serving: Classic) -> None:
    tx = serving.governed.begin()
    members.ENCRYPTION_PUBLIC_KEYS.of(tx).remove(serving.member_id(2))
    serving.governed.store.commit(tx)
    asked = serving.post("/ack/update_state_digest", "state_digest", by=2)
    assert serving.post("/ack", "ack", asked.body, by=2).status == 204
    assert serving.governed.node.asked == []


def test_an_ack_that_cannot_be_followed_is_an_error(serving: Classic) -> None:
    asked = serving.post("/ack/update_state_digest", "state_digest").body
    tx = serving.governed.begin()
    service.CONFIGURATION.of(tx).put(service.ServiceConfiguration(recovery_threshold=9))
    serving.governed.store.commit(tx)
    status, code, message = error_of(serving.post("/ack", "ack", asked))
    assert (status, code) == (500, "InternalError")
    assert message.startswith("Error issuing new recovery shares: ")
    tx = serving.governed.begin()
    service.INFO.of(tx).remove()
    serving.governed.store.commit(tx)
    message = "No service currently available."
    assert error_of(serving.post("/ack", "ack", asked))[2] == message
    tx = serving.governed.begin()
    members.INFO.of(tx).remove(serving.member_id(0))
    serving.governed.store.commit(tx)
    status, code, message = error_of(serving.post("/ack", "ack", asked))
    assert (status, code) == (403, "AuthorizationFailed")
    assert message.startswith("Error activating new member: ")


def test_members_are_described_with_what_they_lack(classic: Classic) -> None:
    tx = classic.governed.begin()
    members.ENCRYPTION_PUBLIC_KEYS.of(tx).remove(classic.member_id(1))
    classic.governed.store.commit(tx)
    described = value_of(classic.get("/members"))
    assert set(described) == {classic.member_id(number) for number in range(3)}
    first, second = classic.governed.members[:2]
    assert described[first.member_id] == {
        "status": "Active",
        "member_data": None,
        "cert": first.certificate,
        "public_encryption_key": first.encryption.public_key.pem,
    }
    other = described[second.member_id]
    assert isinstance(other, dict)
    assert other["public_encryption_key"] is None


def test_token_keys_are_listed_by_key_id(classic: Classic) -> None:
    assert value_of(classic.get("/jwt_keys/all")) == {}
    tx = classic.governed.begin()
    keys = (SigningKey(public_key=b"der", issuer="https://i"),)
    jwt.SIGNING_KEYS.of(tx).put("kid", keys)
    classic.governed.store.commit(tx)
    public_key = base64.b64encode(b"der").decode()
    assert value_of(classic.get("/jwt_keys/all")) == {
        "kid": [{"issuer": "https://i", "cert": "", "public_key": public_key}]
    }


@pytest.fixture
def recovering(serving: Classic) -> Classic:
    """The service, as if it were another that waits for this one's shares."""
    tx = serving.governed.begin()
    info = service.INFO.of(tx).get()
    assert info is not None
    waiting = replace(info, status=ServiceStatus.WAITING_FOR_RECOVERY_SHARES)
    service.INFO.of(tx).put(waiting)
    serving.governed.store.commit(tx)
    return serving


def share_of(classic: Classic, number: int) -> str:
    owner = classic.governed.members[number]
    reply = classic.get(f"/encrypted_recovery_share/{owner.member_id}")
    encrypted = base64.b64decode(str(value_of(reply)["encrypted_share"]))
    return base64.b64encode(owner.encryption.unwrap(encrypted)).decode()


def submit(classic: Classic, number: int, share: str) -> Response:
    payload = {"share": share}
    return classic.post("/recovery_share", "recovery_share", payload, by=number)


def test_enough_shares_start_the_end_of_recovery(recovering: Classic) -> None:
    first = submit(recovering, 0, share_of(recovering, 0))
    message = "1/2 recovery shares successfully submitted"
    assert value_of(first) == {"message": message}
    assert recovering.governed.node.asked == []
    payload = json.dumps({"share": share_of(recovering, 1)}).encode()
    second = recovering.call("POST", "/recovery_share", body=payload, certificate_of=1)
    assert value_of(second)["message"] == (
        "2/2 recovery shares successfully submitted\n"
        "End of recovery procedure initiated"
    )
    secret = recovering.governed.node.secrets.latest[1]
    assert recovering.governed.node.asked == [secret.raw]


def test_shares_that_do_not_fit_are_forgotten(recovering: Classic) -> None:
    recovering.governed.node.recovers = False
    assert submit(recovering, 0, share_of(recovering, 0)).status == 200
    reply = submit(recovering, 1, share_of(recovering, 1))
    message = "Failed to initiate private recovery."
    assert error_of(reply) == (500, "InternalError", message)
    tx = recovering.governed.begin()
    assert recovery.SUBMITTED_SHARES.of(tx).size() == 0


def test_a_share_that_cannot_be_kept_is_an_error(recovering: Classic) -> None:
    recovering.governed.node.keeps_shares = False
    reply = submit(recovering, 0, share_of(recovering, 0))
    message = "Error submitting recovery shares."
    assert error_of(reply) == (500, "InternalError", message)


def test_nobody_hands_in_shares_at_the_wrong_time(recovering: Classic) -> None:
    recovering.governed.node.is_reading_private_ledger = True
    assert error_of(submit(recovering, 0, ""))[:2] == (403, "NodeAlreadyRecovering")
    tx = recovering.governed.begin()
    service.INFO.of(tx).remove()
    recovering.governed.store.commit(tx)
    assert error_of(submit(recovering, 0, "")) == (
        403,
        "ServiceNotWaitingForRecoveryShares",
        "Service is not waiting for recovery shares.",
    )


@pytest.mark.parametrize("payload", [b"", b"x", [], {}, {"share": 1}, {"share": "é"}])
def test_what_is_no_share_is_refused(recovering: Classic, payload: object) -> None:
    reply = recovering.post("/recovery_share", "recovery_share", payload)
    assert error_of(reply)[:2] == (400, "InvalidInput")


def test_a_member_is_given_its_own_share(serving: Classic) -> None:
    path = f"/encrypted_recovery_share/{serving.member_id(1)}"
    anybodys = value_of(serving.get(path))
    signed = serving.sign("encrypted_recovery_share", by=1)
    by_signature = serving.call("GET", "/recovery_share", body=signed, headers=COSE)
    by_certificate = serving.call("GET", "/recovery_share", certificate_of=1)
    assert value_of(by_signature) == value_of(by_certificate) == anybodys
    assert serving.get("/recovery_share").status == 401


def test_who_is_not_active_has_no_share_of_its_own(newborn: Classic) -> None:
    reply = newborn.call("GET", "/recovery_share", certificate_of=0)
    message = "Only active members are given recovery shares."
    assert error_of(reply) == (403, "AuthorizationFailed", message)


def test_who_has_no_share_is_told_so(serving: Classic) -> None:
    assert error_of(serving.get(f"/encrypted_recovery_share/{UNKNOWN}")) == (
        404,
        "ResourceNotFound",
        f"Recovery share not found for member m[{UNKNOWN}].",
    )


def test_before_opening_there_are_no_shares(classic: Classic) -> None:
    reply = classic.get(f"/encrypted_recovery_share/{classic.member_id(0)}")
    message = "Failed to retrieve current recovery shares info"
    assert error_of(reply) == (500, "InternalError", message)
