"""Shares in the classic API: whose, to whom, and what becomes of them."""

import base64
import json
from dataclasses import replace

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.http.messages import Response
from ccfpy.service.tables import recovery, service
from tests.unit.gov.classic.conftest import COSE, UNKNOWN, Classic, error_of, value_of


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
