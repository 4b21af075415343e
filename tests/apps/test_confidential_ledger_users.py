"""Users of a confidential ledger: who may do what, and who says so."""

import pytest

from apps.confidential_ledger.limits import ROLES_MAX
from apps.confidential_ledger.user_ids import digest_of, fingerprint, parse_user_id
from ccfpy.app import ApiError
from ccfpy.base.json import Json
from ccfpy.testing.apps import Caller, Service
from tests.apps.confidential import (
    AUDIENCE,
    MARK,
    OBJECT_ID,
    append,
    assign,
    listed,
    path,
    with_role,
)

pytestmark = pytest.mark.ccf(**MARK)

DIGEST = "0a" * 32
WRITTEN = ":".join(["0A"] * 32)


@pytest.mark.parametrize(
    ("role", "reads", "appends", "administers"),
    [
        ("Reader", 200, 403, 403),
        ("Contributor", 200, 200, 403),
        ("Administrator", 200, 200, 200),
    ],
)
def test_a_role_permits_what_it_says(
    ccf_service: Service, role: str, reads: int, appends: int, administers: int
) -> None:
    caller = with_role(ccf_service, role)
    assert caller.get(path("collections")).status == reads
    assert append(caller, "text").status == appends
    assert caller.get(path("users")).status == administers


def test_nobody_else_gets_in(ccf_service: Service) -> None:
    assert ccf_service.anybody.get(path("collections")).status == 401
    assert ccf_service.stranger().get(path("collections")).status == 403


def test_a_token_is_known_by_its_object_id(ccf_service: Service) -> None:
    issuer = ccf_service.trust_issuer()
    assign(ccf_service.user(), OBJECT_ID.upper(), "Contributor").raise_for_error()

    def status(**claims: Json) -> int:
        bearer = ccf_service.bearer(issuer.token(**claims))
        return append(bearer, "text").status

    assert status(aud=AUDIENCE, oid=OBJECT_ID) == 200
    assert status(aud="https://other.example", oid=OBJECT_ID) == 403
    assert status(aud=[AUDIENCE], oid=OBJECT_ID) == 403
    assert status(aud=AUDIENCE) == 403
    assert status(aud=AUDIENCE, oid="somebody") == 400
    assert status(aud=AUDIENCE, oid=OBJECT_ID.replace("7", "8")) == 403


def test_the_tables_role_counts_before_the_members(ccf_user: Caller) -> None:
    own = fingerprint(ccf_user.id)
    assert assign(ccf_user, own, "Reader").status == 200
    assert append(ccf_user, "text").status == 403


def test_a_user_comes_changes_and_goes(ccf_service: Service, ccf_user: Caller) -> None:
    user, many = path(f"users/{OBJECT_ID}"), path(f"ledgerUsers/{OBJECT_ID}")
    assert ccf_user.get(user).status == 404
    one: Json = {"userId": OBJECT_ID, "assignedRole": "Reader"}
    assert ccf_user.patch(user, {"assignedRole": "Reader"}).object() == one
    assert ccf_user.get(user).object() == one
    both: Json = {"userId": OBJECT_ID, "assignedRoles": ["Contributor", "Reader"]}
    assert assign(ccf_user, OBJECT_ID, "Contributor", "Reader").object() == both
    assert ccf_user.get(many).object() == both
    assert listed(ccf_service, ccf_user, "users", "ledgerUsers") == [
        {"userId": OBJECT_ID, "assignedRole": "Contributor"}
    ]
    assert listed(ccf_service, ccf_user, "ledgerUsers", "ledgerUsers") == [both]
    for removing in (user, many):
        assert ccf_user.delete(removing).status == 204
        assert ccf_user.get(many).status == 404


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ([], 400),
        (["Nobody"], 400),
        (["Reader"] * ROLES_MAX, 200),
        (["Reader"] * (ROLES_MAX + 1), 400),
    ],
)
def test_a_user_has_roles_that_there_are(
    ccf_user: Caller, roles: list[str], status: int
) -> None:
    assert assign(ccf_user, OBJECT_ID, *roles).status == status


def test_a_built_in_role_counts_in_any_case(ccf_service: Service) -> None:
    caller = with_role(ccf_service, "contributor")
    assert append(caller, "text").status == 200
    written = ccf_service.user().get(path(f"users/{fingerprint(caller.id)}"))
    assert written.object()["assignedRole"] == "Contributor"
    appointed = ccf_service.admit("appointed", {"assignedRoles": ["READER"]})
    assert appointed.get(path("collections")).status == 200


@pytest.mark.parametrize("data", [None, [], {"assignedRoles": "Administrator"}])
def test_members_appoint_in_one_form(ccf_service: Service, data: Json) -> None:
    other = ccf_service.admit("appointed", data)
    assert other.get(path("collections")).status == 403


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (DIGEST, WRITTEN),
        (DIGEST.upper(), WRITTEN),
        (WRITTEN, WRITTEN),
        (WRITTEN.lower(), WRITTEN),
        (OBJECT_ID.upper(), OBJECT_ID),
        ("0" * 36, "0" * 36),
    ],
)
def test_an_id_has_one_form(text: str, read: str) -> None:
    assert parse_user_id(text) == read
    assert digest_of(read) == (DIGEST if ":" in read else None)


@pytest.mark.parametrize(
    "text",
    ["", "me", DIGEST[:-1], WRITTEN + ":", WRITTEN.replace(":", "", 1), "\u0660" * 64],
)
def test_nothing_else_is_an_id(text: str) -> None:
    with pytest.raises(ApiError):
        parse_user_id(text)
