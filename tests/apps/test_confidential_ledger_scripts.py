"""Endpoints, functions and roles that administrators bring to a confidential ledger."""

import pytest

from apps.confidential_ledger.callers import LedgerCaller
from apps.confidential_ledger.functions import Code, bring_function
from apps.confidential_ledger.limits import (
    ACTIONS_MAX,
    FUNCTION_ID_CHARS_MAX,
    FUNCTIONS_MAX,
    HOOKS_MAX,
    ROLES_DEFINED_MAX,
)
from apps.confidential_ledger.tables import FUNCTIONS, Function
from apps.confidential_ledger.user_ids import fingerprint
from ccfpy.app import ApiError
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.kv.store import Store
from ccfpy.testing.apps import Answer, Caller, Service
from tests.apps.confidential import MARK, append, assign, listed, path, with_role
from tests.unit.endpoints.world import StoreNode, context_of

pytestmark = pytest.mark.ccf(**MARK)

HI = "export function hi(request) { return { body: { said: 'hi' } }; }"
WHO = """
export function hi(request) {
  const ledger = confidentialLedger;
  return { body: [ledger.userId(), ledger.isPermitted("/audit")] };
}
"""
MATHS = """
const key = ccf.strToBuf("k");
export function main(a, b) { return Number(a) + Number(b); }
export function note(text) { ccf.kv["notes"].set(key, ccf.strToBuf(text)); }
export function noteAndFail(text) { note(text); throw new Error("no"); }
export function read() {
  const kept = ccf.kv["notes"].get(key);
  return kept === undefined ? undefined : ccf.bufToStr(kept);
}
export function context_of() { return JSON.stringify(context); }
export function peek() { return ccf.kv["confidential_ledger.entries"].size; }
"""

FAILURE = (
    "Error while executing function maths: Error: no\n    at noteAndFail (maths)\n"
)
VALIDATE = """
export function main() {
  if (isNaN(context.contents)) throw new Error("no number");
}
"""
MARK_HIGH = """
export function main() {
  const value = context.contents > 50 ? "high" : "low";
  const { collectionId } = context;
  ccf.kv["public:marks"].set(ccf.strToBuf(collectionId), ccf.strToBuf(value));
}
export const read = (user) => {
  const value = ccf.kv["public:marks"].get(ccf.strToBuf(user));
  if (value === undefined) throw new Error("nobody");
  return ccf.bufToStr(value);
};
"""
ACL = """
export function hi(request) {
  const caller = acl.certUtils.convertToAclFingerprintFormat();
  const may = acl.authz.actionAllowed(caller, "/audit");
  return { body: [caller, may, acl.authz.actionAllowed("0a".repeat(32), "/audit")] };
}
"""


def bundle(
    where: str = "/hi", source: str = HI, policy: str = "any_cert"
) -> JsonObject:
    properties: JsonObject = {
        "js_module": "/hi.js",
        "js_function": "hi",
        "mode": "readonly",
        "forwarding_required": "sometimes",
        "authn_policies": [policy],
    }
    return {
        "metadata": {"endpoints": {where: {"get": properties}}},
        "modules": [{"name": "/hi.js", "module": source}],
    }


def bring(admin: Caller, name: str = "maths", code: str = MATHS) -> Answer:
    return admin.put(path(f"userDefinedFunctions/{name}"), {"code": code})


def run(caller: Caller, name: str = "maths", **properties: Json) -> JsonObject:
    answer = caller.post(path(f"userDefinedFunctions/{name}:execute"), properties)
    return answer.raise_for_error().object()


# Endpoints


def test_an_administrator_brings_endpoints(
    ccf_service: Service, ccf_user: Caller
) -> None:
    below = path("userDefinedEndpoints")
    assert ccf_user.get(below).object() == {
        "metadata": {"endpoints": {}},
        "modules": [],
    }
    assert ccf_user.get("/app/hi").status == 404
    assert ccf_user.put(below, bundle()).status == 201
    assert ccf_user.get(below).object() == bundle()
    assert ccf_user.get("/app/hi").json() == {"said": "hi"}
    module = ccf_user.get(path("userDefinedEndpoints/modules", module_name="/hi.js"))
    assert module.object() == {"name": "/hi.js", "module": HI}
    missing = path("userDefinedEndpoints/modules", module_name="/no.js")
    assert ccf_user.get(missing).status == 404
    contributor = with_role(ccf_service, "Contributor")
    assert contributor.put(below, bundle()).status == 403


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"metadata": {"endpoints": []}, "modules": []},
        {"metadata": {"endpoints": {}}, "modules": 1},
        bundle("/transactions"),
        bundle("/users/{id}"),
        bundle("/{any}"),
        bundle("hi"),
        bundle(source="export function hi( {"),
        {
            "metadata": {"endpoints": {}},
            "modules": [{"name": "confidential_ledger/runtime.js", "module": HI}],
        },
    ],
)
def test_a_bundle_has_a_form_and_paths_of_its_own(ccf_user: Caller, body: Json) -> None:
    assert ccf_user.put(path("userDefinedEndpoints"), body).status == 400
    assert ccf_user.get(path("userDefinedEndpoints")).object()["modules"] == []


def test_a_bundle_may_have_a_receipt_of_its_own(ccf_user: Caller) -> None:
    brought = bundle("/receipt")
    assert ccf_user.put(path("userDefinedEndpoints"), brought).status == 201
    assert ccf_user.get("/app/receipt?transaction_id=2.1").json() == {"said": "hi"}


def sign_bundle(
    caller: Caller, kind: str = "userDefinedEndpoints", created_at: int | None = 1
) -> Answer:
    header: dict[int | str, object] = {"acl.msg.type": kind}
    if created_at is not None:
        header["acl.msg.created_at"] = created_at
    below = path("userDefinedEndpoints")
    return caller.signed("PUT", below, bundle(), protected=header)


def test_an_administrator_of_the_members_may_sign_a_bundle(
    ccf_service: Service, ccf_user: Caller
) -> None:
    assert sign_bundle(ccf_user).status == 201
    assert ccf_user.get("/app/hi").json() == {"said": "hi"}
    assert ccf_user.get(path("userDefinedEndpoints")).object() == bundle()
    again = sign_bundle(ccf_user)
    assert again.is_error, "it was taken once"
    assert again.message == "Action was already applied"
    assert sign_bundle(ccf_user, created_at=2).status == 201
    assert sign_bundle(ccf_user, created_at=None).status == 400
    assert sign_bundle(ccf_user, kind="other").status == 401
    assert sign_bundle(ccf_service.admit("other", None)).status == 403
    stranger = with_role(ccf_service, "Administrator", "stranger")
    assert sign_bundle(stranger).status == 401


@pytest.mark.parametrize("name", ["runtimeOptions", "runTimeOptions"])
def test_options_are_read_and_changed(ccf_user: Caller, name: str) -> None:
    below = path(f"userDefinedEndpoints/{name}")
    before = ccf_user.get(below).object()
    changed: JsonObject = {"max_execution_time_ms": 77}
    assert ccf_user.patch(below, changed).object() == {**before, **changed}
    assert ccf_user.patch(below, []).status == 400


def test_a_script_learns_who_calls_and_what_they_may(
    ccf_service: Service, ccf_user: Caller
) -> None:
    role: Json = {"roles": [{"roleName": "auditor", "roleActions": ["/audit"]}]}
    assert ccf_user.put(path("roles"), role).status == 200
    ccf_user.put(path("userDefinedEndpoints"), bundle(source=WHO)).raise_for_error()
    told = [
        with_role(ccf_service, name, name).get("/app/hi").json()
        for name in ("auditor", "Reader")
    ]
    assert [each[1] for each in told if isinstance(each, list)] == [True, False]


@pytest.mark.parametrize(
    ("policy", "status"), [("any_cert", 200), ("user_cert", 200), ("no_auth", 403)]
)
def test_a_script_knows_callers_who_name_themselves(
    ccf_user: Caller, policy: str, status: int
) -> None:
    brought = bundle(source=WHO, policy=policy)
    ccf_user.put(path("userDefinedEndpoints"), brought).raise_for_error()
    assert ccf_user.get("/app/hi").status == status


def test_a_script_finds_azures_own_functions(
    ccf_service: Service, ccf_user: Caller
) -> None:
    role: Json = {"roles": [{"roleName": "auditor", "roleActions": ["/audit"]}]}
    assert ccf_user.put(path("roles"), role).status == 200
    ccf_user.put(path("userDefinedEndpoints"), bundle(source=ACL)).raise_for_error()
    auditor = with_role(ccf_service, "auditor")
    assert auditor.get("/app/hi").json() == [fingerprint(auditor.id), True, False]
    reader = with_role(ccf_service, "Reader", "reader")
    assert reader.get("/app/hi").json() == [fingerprint(reader.id), False, False]


ROLE_TABLES = """
const prefix = "public:confidentialledger.roles.";
const text = (buffer) => ccf.bufToStr(buffer);
export function rolesOf(user) {
  return text(ccf.kv[prefix + "user_roles_mapping"].get(ccf.strToBuf(`"${user}"`)));
}
export function actionsOf(role) {
  const found = [];
  const table = ccf.kv[prefix + "user_roles_definitions." + role];
  table.forEach((_, key) => found.push(text(key)));
  return found.sort().join();
}
export function write(name) { ccf.kv[prefix + name].clear(); }
"""


def test_scripts_read_roles_in_tables_with_azures_names(ccf_user: Caller) -> None:
    """The banking sample of Azure's documentation looks there."""
    role: Json = {"roleName": "teller", "roleActions": ["/put", "/get"]}
    ccf_user.put(path("roles"), {"roles": [role]}).raise_for_error()
    assign(ccf_user, "0a" * 32, "teller", "reader").raise_for_error()
    bring(ccf_user, "roles", ROLE_TABLES)

    def ask(function: str, argument: str) -> JsonObject:
        named: Json = [argument]
        return run(ccf_user, "roles", exportedFunctionName=function, arguments=named)

    assert ask("rolesOf", ":".join(["0A"] * 32))["result"] == {
        "returnValue": '["teller","Reader"]'
    }
    assert ask("actionsOf", "teller")["result"] == {"returnValue": '"/get","/put"'}
    refused = [
        ask("write", f"user_roles_{name}") for name in ("mapping", "definitions.teller")
    ]
    assert [each["status"] for each in refused] == ["Failed", "Failed"]
    assert "can only be read" in str(refused)
    assert ccf_user.delete(path("roles", roleName="teller")).status == 200
    assert ask("actionsOf", "teller")["result"] == {"returnValue": ""}


# Functions


def test_a_function_is_brought_run_and_removed(
    ccf_service: Service, ccf_user: Caller
) -> None:
    brought = bring(ccf_user)
    made = brought.object()
    assert (brought.status, made) == (201, {"id": "maths", "code": MATHS})
    assert (bring(ccf_user).status, bring(ccf_user).object()) == (200, made)
    assert ccf_user.get(path("userDefinedFunctions/maths")).object() == made
    assert listed(ccf_service, ccf_user, "userDefinedFunctions", "functions") == [made]
    assert run(ccf_user, arguments=["1", "2"]) == {
        "status": "Succeeded",
        "result": {"returnValue": "3"},
    }
    assert run(ccf_user, exportedFunctionName="read")["result"] == {}
    assert ccf_user.delete(path("userDefinedFunctions/maths")).status == 204
    assert ccf_user.get(path("userDefinedFunctions/maths")).status == 404
    gone = ccf_user.post(path("userDefinedFunctions/maths:execute"), {})
    assert gone.status == 404


def test_a_functions_failure_is_told_and_writes_nothing(ccf_user: Caller) -> None:
    bring(ccf_user)
    failed = run(ccf_user, exportedFunctionName="noteAndFail", arguments=["x"])
    assert failed == {"status": "Failed", "error": {"message": FAILURE}}
    assert run(ccf_user, exportedFunctionName="read")["result"] == {}
    none = run(ccf_user, exportedFunctionName="none")
    assert none["status"] == "Failed"


@pytest.mark.parametrize("thrown", ["null", "undefined", "'x'", "Symbol('x')", "({})"])
def test_whatever_a_function_throws_is_told(ccf_user: Caller, thrown: str) -> None:
    bring(ccf_user, "odd", f"export function main() {{ throw {thrown}; }}")
    failed = run(ccf_user, "odd")
    assert failed["status"] == "Failed"
    assert "Error while executing function odd: " in str(failed["error"])


def test_a_function_is_found_by_its_own_id_alone(ccf_user: Caller) -> None:
    bring(ccf_user)
    bring(ccf_user, "broken", "throw new Error('always');")
    assert run(ccf_user, arguments=["1", "2"])["status"] == "Succeeded"
    assert run(ccf_user, "broken")["status"] == "Failed"
    other = ccf_user.post(path("userDefinedFunctions/other:execute"), {})
    assert other.status == 404


def test_who_may_not_write_runs_nothing(ccf_service: Service, ccf_user: Caller) -> None:
    bring(ccf_user)
    reader = with_role(ccf_service, "Reader")
    below = path("userDefinedFunctions/maths:execute")
    assert reader.post(below, {}).status == 403
    assert append(reader, "text").status == 403
    assert ccf_service.anybody.post(below, {}).status == 401
    assert ccf_user.post("/app/userDefinedFunctions/maths:execute", {}).status == 400


def test_hooks_run_around_an_append(ccf_service: Service, ccf_user: Caller) -> None:
    bring(ccf_user)
    hook: Json = {
        "functionId": "maths",
        "properties": {"exportedFunctionName": "note", "arguments": ["hooked"]},
    }
    body: Json = {"contents": "text", "preHooks": [hook], "postHooks": [hook]}
    answer = ccf_user.post(path("transactions", collectionId="a", tags="red"), body)
    assert answer.object() == {"collectionId": "a"}
    noted = run(ccf_user, exportedFunctionName="read")
    assert noted["result"] == {"returnValue": "hooked"}
    ccf_service.wait_committed()
    (entry,) = listed(
        ccf_service, ccf_user, "transactions", "entries", collectionId="a", tag="red"
    )
    assert entry["transactionId"] == str(answer.txid)
    receipt = ccf_user.get(path(f"transactions/{answer.txid}/receipt")).object()
    assert "applicationClaims" in receipt


FAILING: JsonObject = {
    "functionId": "maths",
    "properties": {"exportedFunctionName": "noteAndFail", "arguments": ["x"]},
}


@pytest.mark.parametrize("when", ["preHooks", "postHooks"])
@pytest.mark.parametrize(
    ("hooks", "status", "code"),
    [
        ([FAILING], 500, "InternalError"),
        ([{"id": "maths", "properties": {"arguments": 1}}], 500, "InternalError"),
        ([{"functionId": "none"}], 400, "InvalidInput"),
        ([{"functionId": "../../hi"}], 400, "InvalidInput"),
        ([None], 400, "InvalidInput"),
        ("maths", 400, "InvalidInput"),
        ([{"functionId": "maths"}] * (HOOKS_MAX + 1), 400, "InvalidInput"),
    ],
)
def test_a_hook_that_fails_appends_nothing(
    ccf_user: Caller, when: str, hooks: Json, status: int, code: str
) -> None:
    bring(ccf_user)
    refused = ccf_user.post(path("transactions"), {"contents": "text", when: hooks})
    assert (refused.status, refused.error) == (status, code)
    if hooks == [FAILING]:
        assert refused.message == FAILURE
    assert ccf_user.get(path("transactions/current")).status == 404


def test_as_many_hooks_run_as_may(ccf_user: Caller) -> None:
    bring(ccf_user)
    before: Json = [{"functionId": "maths"}] * (HOOKS_MAX - 1)
    after: Json = [{"id": "maths"}]
    body: Json = {"contents": "text", "preHooks": before, "postHooks": after}
    assert ccf_user.post(path("transactions"), body).status == 200


def test_hooks_see_what_is_appended(ccf_user: Caller) -> None:
    """The example of Azure's documentation: hooks validate, mark, and are asked."""
    bring(ccf_user, "validate", VALIDATE)
    bring(ccf_user, "markHigh", MARK_HIGH)

    def pay(user: str, contents: str) -> Answer:
        body: Json = {
            "contents": contents,
            "preHooks": [{"functionId": "validate"}],
            "postHooks": [{"functionId": "markHigh"}],
        }
        return ccf_user.post(path("transactions", collectionId=user), body)

    refused = pay("Mark", "not a number")
    assert (refused.status, refused.error) == (500, "InternalError")
    assert pay("Mark", "100").status == 200
    assert pay("John", "20").status == 200
    marks = [
        run(ccf_user, "markHigh", exportedFunctionName="read", arguments=[user])
        for user in ("Mark", "John", "Jane")
    ]
    assert [each["status"] for each in marks] == ["Succeeded", "Succeeded", "Failed"]
    assert [each.get("result") for each in marks[:2]] == [
        {"returnValue": "high"},
        {"returnValue": "low"},
    ]


def test_a_function_alone_sees_who_calls_and_no_entry(ccf_user: Caller) -> None:
    bring(ccf_user)
    told = run(ccf_user, exportedFunctionName="context_of")["result"]
    assert isinstance(told, dict)
    context = loads_object(str(told["returnValue"]).encode())
    assert context["userId"] == fingerprint(ccf_user.id)
    assert set(context) == {"request", "userId"}


def test_appends_without_hooks_stay_as_they_were(ccf_user: Caller) -> None:
    bring(ccf_user)
    assert append(ccf_user, "text").object() == {"collectionId": "subledger:0"}
    assert ccf_user.post(path("transactions"), {"contents": 1}).status == 400
    assert append(ccf_user, "text", collectionId="").status == 400
    assert append(ccf_user, "text", tags="").status == 400
    for body in (b"null", b"[]", b"{", b'"contents"'):
        assert ccf_user.post(path("transactions"), body).status == 400
        below = path("userDefinedFunctions/maths:execute")
        assert ccf_user.post(below, body).status == 400
    half = b'{"contents": "\\ud800"}'
    assert ccf_user.post(path("transactions"), half).status == 400


def test_scripts_have_no_part_in_the_applications_own_tables(ccf_user: Caller) -> None:
    bring(ccf_user)
    append(ccf_user, "text")
    assert run(ccf_user, exportedFunctionName="peek")["status"] == "Failed"


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("f" * FUNCTION_ID_CHARS_MAX, MATHS, 201),
        ("f" * (FUNCTION_ID_CHARS_MAX + 1), MATHS, 400),
        ("a.b", MATHS, 400),
        ("broken", "export function (", 400),
    ],
)
def test_a_function_has_a_name_and_compiles(
    ccf_user: Caller, name: str, code: str, status: int
) -> None:
    assert bring(ccf_user, name, code).status == status


def test_there_are_so_many_functions_at_most() -> None:
    tx = Store().begin()
    functions = FUNCTIONS.of(tx)
    for at in range(FUNCTIONS_MAX):
        functions.put(f"f{at}", Function(code=""))
    context = context_of(StoreNode())
    context._tx = tx
    caller = LedgerCaller(user_id="", roles=())
    with pytest.raises(ApiError, match=f"{FUNCTIONS_MAX} functions at most"):
        bring_function(context, caller, "more", Code(code=""))


# Roles


def test_a_role_is_defined_changed_and_removed(
    ccf_service: Service, ccf_user: Caller
) -> None:
    below = path("roles", roleName="auditor")
    assert ccf_user.get(below).status == 404
    defined: JsonObject = {"roleName": "auditor", "roleActions": ["/content/read"]}
    assert ccf_user.patch(path("roles"), {"roles": [defined]}).status == 404
    assert ccf_user.put(path("roles"), {"roles": [defined]}).status == 200
    assert ccf_user.get(below).object() == {"roles": [defined]}
    auditor = with_role(ccf_service, "auditor")
    assert auditor.get(path("collections")).status == 200
    assert append(auditor, "text").status == 403
    defined["roleActions"] = ["/content/write"]
    assert ccf_user.patch(path("roles"), {"roles": [defined]}).status == 200
    assert append(auditor, "text").status == 200
    assert ccf_user.delete(below).status == 200
    assert ccf_user.delete(below).status == 404
    assert append(auditor, "text").status == 403


def test_roles_are_named_in_two_ways_and_listed(ccf_user: Caller) -> None:
    assert ccf_user.get(path("roles")).object() == {"roles": []}
    roles: Json = [
        {"role_name": "teller", "role_actions": ["/get"]},
        {"roleName": "manager", "roleActions": ["/put"]},
    ]
    assert ccf_user.put(path("roles"), {"roles": roles}).status == 200
    assert ccf_user.get(path("roles")).object()["roles"] == [
        {"roleName": "manager", "roleActions": ["/put"]},
        {"roleName": "teller", "roleActions": ["/get"]},
    ]
    builtin = ccf_user.get(path("roles", roleName="reader")).object()
    assert builtin["roles"] == [
        {"roleName": "Reader", "roleActions": ["/content/read"]}
    ]


@pytest.mark.parametrize(
    ("name", "actions", "status"),
    [
        ("Reader", [], 400),
        ("reader", [], 400),
        ("", [], 400),
        ("a b", [], 400),
        ("most", [f"/{at}" for at in range(ACTIONS_MAX)], 200),
        ("many", [f"/{at}" for at in range(ACTIONS_MAX + 1)], 400),
        ("odd", ["with space"], 400),
    ],
)
def test_a_role_has_a_name_and_actions(
    ccf_user: Caller, name: str, actions: list[Json], status: int
) -> None:
    role: Json = {"roles": [{"roleName": name, "roleActions": actions}]}
    assert ccf_user.put(path("roles"), role).status == status


def test_there_are_so_many_roles_at_most(ccf_user: Caller) -> None:
    roles: list[Json] = [
        {"roleName": f"r{at}", "roleActions": []} for at in range(ROLES_DEFINED_MAX)
    ]
    assert ccf_user.put(path("roles"), {"roles": roles}).status == 200
    more: Json = {"roleName": "more", "roleActions": []}
    assert ccf_user.put(path("roles"), {"roles": [more]}).status == 400
    again = ccf_user.put(path("roles"), {"roles": roles[:1]})
    assert (again.status, again.error) == (400, "RoleExists")
    assert ccf_user.patch(path("roles"), {"roles": roles[:1]}).status == 200
    assert assign(ccf_user, "0a" * 32, "r0").status == 200
