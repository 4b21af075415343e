"""The callers of each endpoint: signatures, certificates, Active members."""

import json

import pytest

from tests.damage import with_a_bit_changed
from tests.unit.gov.classic.conftest import COSE, UNKNOWN, Classic, error_of, value_of

SIGNED = {
    "/proposals": "proposal",
    f"/proposals/{UNKNOWN}/ballots": "ballot",
    f"/proposals/{UNKNOWN}/withdraw": "withdrawal",
    "/ack": "ack",
    "/ack/update_state_digest": "state_digest",
    "/recovery_share": "recovery_share",
}
BY_CERTIFICATE = {"/ack/update_state_digest", "/recovery_share"}


@pytest.mark.parametrize("path", SIGNED)
def test_nobody_is_asked_to_sign(classic: Classic, path: str) -> None:
    reply = classic.call("POST", path)
    assert error_of(reply)[:2] == (401, "InvalidAuthenticationInfo")
    challenge = 'COSE-SIGN1 realm="Signed request access"'
    assert reply.headers["www-authenticate"] == challenge
    policies = [
        detail["auth_policy"] for detail in json.loads(reply.body)["error"]["details"]
    ]
    certificate = ["member_cert"] if path in BY_CERTIFICATE else []
    assert policies == [*certificate, "member_cose_sign1"]


@pytest.mark.parametrize("kind", [None, "proposal", "ballot", "ack"])
@pytest.mark.parametrize("path", SIGNED)
def test_a_signature_for_something_else_is_refused(
    classic: Classic, path: str, kind: str | None
) -> None:
    if SIGNED[path] == kind:
        return
    envelope = classic.sign(kind, {}, about=UNKNOWN)
    reply = classic.call("POST", path, body=envelope, headers=COSE)
    assert error_of(reply)[:2] == (401, "InvalidAuthenticationInfo")


@pytest.mark.parametrize("path", SIGNED)
def test_a_stranger_is_refused(classic: Classic, path: str) -> None:
    reply = classic.post(path, SIGNED[path], {}, by=3, about=UNKNOWN)
    assert error_of(reply)[:2] == (401, "InvalidAuthenticationInfo")


@pytest.mark.parametrize(
    "path", [path for path in SIGNED if not path.startswith("/ack")]
)
def test_a_member_who_is_not_active_is_told_so(newborn: Classic, path: str) -> None:
    reply = newborn.post(path, SIGNED[path], {"share": ""}, about=UNKNOWN)
    status, code, message = error_of(reply)
    assert (status, code) == (403, "AuthorizationFailed")
    assert message in (
        f"Member m[{newborn.member_id(0)}] is not active.",
        "Member is not active.",
    )


def test_a_certificate_is_enough_where_it_ever_was(newborn: Classic) -> None:
    reply = newborn.call("POST", "/ack/update_state_digest", certificate_of=1)
    assert "state_digest" in value_of(reply)
    for path in SIGNED.keys() - BY_CERTIFICATE:
        refused = newborn.call("POST", path, certificate_of=1)
        assert refused.status == 401, path


def test_who_signed_counts_and_not_who_carries_it(serving: Classic) -> None:
    envelope = serving.sign("recovery_share", {"share": ""}, by=0)
    for carrier in (0, 3):
        reply = serving.call(
            "POST",
            "/recovery_share",
            body=envelope,
            headers=COSE,
            certificate_of=carrier,
        )
        assert error_of(reply)[1] == "ServiceNotWaitingForRecoveryShares"
    forged = with_a_bit_changed(envelope)
    refused = serving.call(
        "POST", "/recovery_share", body=forged, headers=COSE, certificate_of=0
    )
    assert refused.status == 401


def test_the_version_makes_no_difference(classic: Classic) -> None:
    for query in ("", "?api-version=2024-07-01", "?api-version=none"):
        assert classic.get(f"/proposals{query}").status == 200


def test_where_there_is_no_classic_endpoint_the_version_is_asked_for(
    classic: Classic,
) -> None:
    for path in ("/service/info", "/members/proposals", "/service/constitution"):
        assert error_of(classic.get(path))[:2] == (400, "MissingApiVersionParameter")
    assert error_of(classic.get("/users"))[:2] == (404, "ResourceNotFound")


def test_errors_are_logged(classic: Classic) -> None:
    classic.get(f"/proposals/{UNKNOWN}")
    assert classic.governed.node.lines[-1] == (
        "info",
        (
            f"GET /gov/proposals/{UNKNOWN} returning error 404: "
            f"Proposal {UNKNOWN} does not exist."
        ),
    )
