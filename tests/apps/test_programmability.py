"""Endpoints that users bring while the service runs."""

import pytest

from apps.programmability.app import app
from apps.programmability.roles import has_role_permitting
from ccfpy.base.ids import UserId
from ccfpy.base.json import Json, JsonObject
from ccfpy.kv.store import Store
from ccfpy.service.tables import users
from ccfpy.testing.apps import Answer, Caller, Service
from tests.unit.endpoints.world import StoreNode, context_of

SOURCE = """
export function write(request) {
  const { table } = request.body.json();
  try {
    ccf.kv[table].set(ccf.strToBuf("k"), ccf.strToBuf("v"));
  } catch (e) {
    return { statusCode: 400, body: String(e) };
  }
  return {};
}

export function read(request) {
  const { table } = request.body.json();
  return { body: { size: ccf.kv[table].size } };
}

export function role(request) {
  const permitted = my_object.hasRole(request.caller.id, "/content/read");
  return { body: { permitted, constant: my_object.my_constant } };
}
"""


def endpoint(function: str, policy: str = "no_auth") -> JsonObject:
    return {
        "js_module": "m.js",
        "js_function": function,
        "forwarding_required": "always",
        "authn_policies": [policy],
    }


BUNDLE: JsonObject = {
    "metadata": {
        "endpoints": {
            "/write": {"post": endpoint("write")},
            "/read": {"post": endpoint("read")},
            "/role": {"get": endpoint("role", "user_cert")},
        }
    },
    "modules": [{"name": "m.js", "module": SOURCE}],
}
CUSTOM = "/app/custom_endpoints"
OPTIONS = f"{CUSTOM}/runtime_options"


pytestmark = pytest.mark.ccf(app=app, users={"user": {"isAdmin": True}})


def set_data(service: Service, user: Caller, data: JsonObject) -> None:
    arguments: JsonObject = {"user_id": user.id, "user_data": data}
    service.decide({"name": "set_user_data", "args": arguments})


def signed(
    caller: Caller,
    payload: Json,
    *,
    kind: str = "custom_endpoints",
    created_at: int | None = 1,
) -> Answer:
    protected: dict[int | str, object] = {"app.msg.type": kind}
    if created_at is not None:
        protected["app.msg.created_at"] = created_at
    method, path = ("PUT", CUSTOM) if kind == "custom_endpoints" else ("PATCH", OPTIONS)
    return caller.signed(method, path, payload, protected=protected)


def test_an_administrator_installs_by_certificate_or_signature(
    ccf_user: Caller, ccf_anybody: Caller
) -> None:
    assert ccf_user.put(CUSTOM, BUNDLE).status == 204
    assert signed(ccf_user, BUNDLE).status == 204
    (module,) = as_list(ccf_anybody.get(CUSTOM).object()["modules"])
    assert module == {"name": "/m.js", "module": SOURCE}
    source = ccf_anybody.get(f"{CUSTOM}/modules?module_name=m.js")
    assert source.text == SOURCE
    assert source.headers["content-type"] == "text/javascript"
    assert ccf_anybody.get(f"{CUSTOM}/modules?module_name=none.js").status == 500


def as_list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def test_nobody_else_does(ccf_service: Service, ccf_user: Caller) -> None:
    stranger = ccf_service.stranger()
    assert stranger.put(CUSTOM, BUNDLE).status == 401
    assert signed(stranger, BUNDLE).status == 401
    set_data(ccf_service, ccf_user, {"isAdmin": "yes"})
    assert ccf_user.put(CUSTOM, BUNDLE).status == 403
    assert ccf_user.patch(OPTIONS, {}).status == 403


def test_a_signature_is_for_one_thing_and_one_time(
    ccf_user: Caller, ccf_anybody: Caller
) -> None:
    assert signed(ccf_user, BUNDLE, created_at=None).status == 400
    first = signed(ccf_user, {"max_heap_bytes": 42}, kind="runtime_options")
    assert first.object()["max_heap_bytes"] == 42
    again = signed(ccf_user, {"max_heap_bytes": 42}, kind="runtime_options")
    # ECDSA is deterministic here: the same words at the same moment are the same bytes
    assert again.message == "Action was already applied"
    assert ccf_anybody.get(OPTIONS).object()["max_heap_bytes"] == 42


def test_scripts_have_no_part_in_the_applications_own_tables(
    ccf_user: Caller, ccf_anybody: Caller
) -> None:
    ccf_user.put(CUSTOM, BUNDLE)

    def statuses(table: str) -> tuple[int, int]:
        read = ccf_anybody.post("/app/read", {"table": table})
        written = ccf_anybody.post("/app/write", {"table": table})
        return read.status, written.status

    for table in ("my_table", "public:my_table"):
        assert statuses(table) == (200, 200)
    assert statuses("programmability.records") == (200, 400)
    for table in ("programmability.foo", "public:programmability.foo"):
        assert statuses(table) == (500, 400)
    for table in ("public:ccf.gov.x", "public:ccf.internal.x"):
        assert statuses(table) == (200, 400)


def test_scripts_may_ask_for_roles(ccf_service: Service, ccf_user: Caller) -> None:
    ccf_user.put(CUSTOM, BUNDLE)
    told = ccf_user.get("/app/role").object()
    assert told == {"permitted": False, "constant": "Hello world"}
    set_data(ccf_service, ccf_user, {"isAdmin": True, "roles": ["reader"]})
    assert ccf_user.get("/app/role").object()["permitted"] is False


def test_a_role_permits_the_actions_that_governance_wrote() -> None:
    tx = Store().begin()
    info = users.UserInfo(user_data={"roles": ["reader"]})
    users.INFO.of(tx).put(UserId("11" * 32), info)
    context = context_of(StoreNode())
    context._tx = tx
    assert not has_role_permitting(context, UserId("11" * 32), "/content/read")
    # as the constitution's action set_role_definition writes it
    tx.raw("public:programmability.roles.reader").put(b'"/content/read"', b"")
    assert has_role_permitting(context, UserId("11" * 32), "/content/read")
    assert not has_role_permitting(context, UserId("11" * 32), "/content/write")
    assert not has_role_permitting(context, UserId("22" * 32), "/content/read")
