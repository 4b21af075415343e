"""What the page of the confidential ledger says that the app does not do is true."""

import pytest

from ccfpy.base.json import Json, JsonObject
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

CODE = """
export const main = () => "done";
export function last() {
  for (;;);
}
export function entries() {
  return ccf.kv["public:confidentialledger.logs"].size;
}
"""
HI = "export const hi = () => ({ body: 'hi' });"
ENDPOINT: JsonObject = {
    "js_module": "/hi.js",
    "js_function": "hi",
    "mode": "readonly",
    "forwarding_required": "sometimes",
    "authn_policies": ["user_cert"],
}
BUNDLE: JsonObject = {
    "metadata": {"endpoints": {"/hi": {"get": ENDPOINT}}},
    "modules": [{"name": "/hi.js", "module": HI}],
}


def bring(admin: Caller) -> None:
    admin.put(path("userDefinedFunctions/f"), {"code": CODE}).raise_for_error()


def execute(admin: Caller, **properties: Json) -> tuple[int, JsonObject]:
    answer = admin.post(path("userDefinedFunctions/f:execute"), {**properties})
    return answer.status, answer.object()


def test_an_address_with_a_place_for_the_tenant_trusts_every_tenant(
    ccf_service: Service,
) -> None:
    place = "https://login.microsoftonline.com/{tenantid}/v2.0"
    issuer = ccf_service.trust_issuer(place)
    assign(ccf_service.user(), OBJECT_ID, "Reader").raise_for_error()

    def status(tenant: str) -> int:
        named = place.replace("{tenantid}", tenant)
        token = issuer.token(iss=named, aud=AUDIENCE, oid=OBJECT_ID, tid=tenant)
        return ccf_service.bearer(token).get(path("collections")).status

    assert [status(tenant) for tenant in ("one", "another")] == [200, 200]


def test_azures_names_of_actions_permit_nothing_here(
    ccf_service: Service, ccf_user: Caller
) -> None:
    actions: Json = ["Microsoft.ConfidentialLedger/ledger/users/read"]
    role: Json = {"roles": [{"roleName": "auditor", "roleActions": actions}]}
    ccf_user.put(path("roles"), role).raise_for_error()
    assert with_role(ccf_service, "auditor").get(path("users")).status == 403


def test_options_of_one_execution_are_ignored(ccf_user: Caller) -> None:
    bring(ccf_user)
    options: Json = {"max_execution_time_ms": 0, "max_heap_bytes": 1}
    status, done = execute(ccf_user, runtimeOptions=options)
    assert (status, done["status"]) == (200, "Succeeded")


def test_a_function_that_exceeds_a_limit_is_answered_500(ccf_user: Caller) -> None:
    bring(ccf_user)
    options: JsonObject = {"max_execution_time_ms": 10}
    below = path("userDefinedEndpoints/runtimeOptions")
    ccf_user.patch(below, options).raise_for_error()
    status, said = execute(ccf_user, exportedFunctionName="last")
    assert status == 500
    assert "status" not in said


def test_a_function_may_import_another(ccf_user: Caller) -> None:
    bring(ccf_user)
    code = "export { main } from '/confidential_ledger/functions/f.js';"
    ccf_user.put(path("userDefinedFunctions/g"), {"code": code}).raise_for_error()
    done = ccf_user.post(path("userDefinedFunctions/g:execute"), {}).object()
    assert done["result"] == {"returnValue": "done"}


def test_endpoints_and_functions_stand_side_by_side(ccf_user: Caller) -> None:
    bring(ccf_user)
    ccf_user.put(path("userDefinedEndpoints"), BUNDLE).raise_for_error()
    assert execute(ccf_user)[0] == 200
    assert ccf_user.get("/app/hi").status == 200


def test_the_policy_user_cert_knows_only_users_of_members(
    ccf_service: Service, ccf_user: Caller
) -> None:
    ccf_user.put(path("userDefinedEndpoints"), BUNDLE).raise_for_error()
    assert with_role(ccf_service, "Administrator").get("/app/hi").status == 401


def test_scripts_find_no_entries_in_a_table(ccf_user: Caller) -> None:
    append(ccf_user, "text")
    bring(ccf_user)
    _, done = execute(ccf_user, exportedFunctionName="entries")
    assert done["result"] == {"returnValue": "0"}


def test_users_whom_members_appointed_are_not_listed(
    ccf_service: Service, ccf_user: Caller
) -> None:
    assert listed(ccf_service, ccf_user, "users", "ledgerUsers") == []


@pytest.mark.parametrize("below", ["tags", "collections/a/tags"])
def test_tags_are_not_listed(ccf_user: Caller, below: str) -> None:
    assert ccf_user.get(path(below)).status == 404
