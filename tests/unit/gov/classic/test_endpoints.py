"""The classic API has CCF 6's endpoints, described as there, for the same callers."""

import json

import pytest

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Redirection
from ccfpy.gov.classic.api import ROWS
from ccfpy.gov.classic.endpoints import Rows
from ccfpy.http.messages import Response
from tests.damage import with_a_bit_changed
from tests.unit.gov.classic.conftest import COSE, UNKNOWN, Classic, error_of, value_of
from tests.unit.gov.conftest import Governed

WRITES = {
    "/ack",
    "/ack/update_state_digest",
    "/proposals",
    "/proposals/{proposal_id}/ballots",
    "/proposals/{proposal_id}/withdraw",
    "/recovery_share",
}
PRIMARYS = {"/encrypted_recovery_share/{member_id}", "/jwt_keys/all", "/recovery_share"}


def endpoints(classic: Classic) -> list[Endpoint]:
    paths = {row.path for row in ROWS}
    return [e for e in classic.governed.frontend.registry if e.path in paths]


def test_what_writes_is_posted(classic: Classic) -> None:
    posted = {e.path for e in endpoints(classic) if e.method == "POST"}
    assert posted == WRITES


def test_all_are_deprecated_and_described(classic: Classic) -> None:
    for endpoint in endpoints(classic):
        assert endpoint.operation.deprecated, endpoint.path
        assert not endpoint.operation.hidden
        assert endpoint.operation.summary.endswith("."), endpoint.path


def test_backups_hand_on_what_writes_and_what_ccf_handed_on(classic: Classic) -> None:
    for endpoint in endpoints(classic):
        goes = endpoint.method == "POST" or endpoint.path in PRIMARYS
        assert (endpoint.forwarding is Forwarding.ALWAYS) is goes, endpoint.path
        assert (endpoint.redirection is Redirection.TO_PRIMARY) is goes
        assert (endpoint.mode is Mode.READ_WRITE) is (endpoint.method == "POST")


def test_reads_are_anybodys_but_for_ones_own_share() -> None:
    assert [row.path for row in ROWS if row.auth and not row.writes] == [
        "/recovery_share"
    ]


@pytest.mark.parametrize("path", ["/members", "/kv/service/info", "/proposals"])
def test_who_takes_no_json_gets_none(classic: Classic, path: str) -> None:
    assert error_of(classic.get(path, accept="text/html"))[0] == 406
    assert classic.get(path, accept="*/*").status == 200


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


def _read(_: Context) -> Response:
    """Say what this is."""
    raise AssertionError("declared, never called")


def test_a_read_is_anybodys_and_deprecated(governed: Governed) -> None:
    rows = Rows()
    assert rows.add("/here", bool)(_read) is _read
    (row,) = rows
    endpoint = row.endpoint(governed.node)
    assert (endpoint.method, endpoint.path, endpoint.auth) == ("GET", "/here", ())
    assert (endpoint.mode, endpoint.forwarding) == (
        Mode.READ_ONLY,
        Forwarding.SOMETIMES,
    )
    assert endpoint.operation.deprecated
    assert endpoint.operation.summary == "Say what this is."
    assert endpoint.operation.success_status == 200


def test_what_is_the_primarys_is_forwarded(governed: Governed) -> None:
    rows = Rows()
    rows.add("/here", None, is_primarys=True)(_read)
    endpoint = rows[0].endpoint(governed.node)
    assert endpoint.forwarding is Forwarding.ALWAYS
    assert endpoint.operation.success_status == 204
