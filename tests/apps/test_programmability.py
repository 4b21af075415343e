"""Endpoints that users bring while the service runs."""

import json
from collections.abc import Callable

import pytest

from apps.programmability.app import app
from apps.programmability.roles import has_role_permitting
from ccfpy.app import App
from ccfpy.base.ids import UserId
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto import cose
from ccfpy.http.messages import Response
from ccfpy.kv.store import Store
from ccfpy.service.tables import users
from ccfpy.testing.node import InProcessNode, Person
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


@pytest.fixture
def node(serve: Callable[[App], InProcessNode], user: Person) -> InProcessNode:
    node = serve(app)
    set_data(node, user, {"isAdmin": True})
    return node


def set_data(node: InProcessNode, user: Person, data: JsonObject) -> None:
    arguments: JsonObject = {"user_id": user.id, "user_data": data}
    node.propose({"name": "set_user_data", "args": arguments})


def signed(
    node: InProcessNode,
    person: Person,
    payload: Json,
    *,
    kind: str = "custom_endpoints",
    created_at: int | None = 1,
) -> Response:
    protected: dict[cose.Label, object] = {
        cose.KID: person.id.encode(),
        "app.msg.type": kind,
    }
    if created_at is not None:
        protected["app.msg.created_at"] = created_at
    content = json.dumps(payload).encode()
    body = cose.sign(person.key, protected=protected, payload=content)
    method, path = ("PUT", CUSTOM) if kind == "custom_endpoints" else ("PATCH", OPTIONS)
    headers = {"content-type": "application/cose"}
    return node.request(method, path, body=body, headers=headers)


def test_an_administrator_installs_by_certificate_or_signature(
    node: InProcessNode, user: Person
) -> None:
    assert node.request("PUT", CUSTOM, body=BUNDLE, person=user).status == 204
    assert signed(node, user, BUNDLE).status == 204
    listed = json.loads(node.request("GET", CUSTOM).body)
    assert [module["name"] for module in listed["modules"]] == ["/m.js"]
    source = node.request("GET", f"{CUSTOM}/modules?module_name=m.js")
    assert source.body.decode() == SOURCE
    assert source.headers["content-type"] == "text/javascript"
    absent = node.request("GET", f"{CUSTOM}/modules?module_name=none.js")
    assert absent.status == 500


def test_nobody_else_does(node: InProcessNode, user: Person, stranger: Person) -> None:
    assert node.request("PUT", CUSTOM, body=BUNDLE, person=stranger).status == 401
    assert signed(node, stranger, BUNDLE).status == 401
    set_data(node, user, {"isAdmin": "yes"})
    assert node.request("PUT", CUSTOM, body=BUNDLE, person=user).status == 403
    patched = node.request("PATCH", OPTIONS, body={}, person=user)
    assert patched.status == 403


def test_a_signature_is_for_one_thing_and_one_time(
    node: InProcessNode, user: Person
) -> None:
    assert signed(node, user, BUNDLE, created_at=None).status == 400
    first = signed(node, user, {"max_heap_bytes": 42}, kind="runtime_options")
    assert json.loads(first.body)["max_heap_bytes"] == 42
    again = signed(node, user, {"max_heap_bytes": 42}, kind="runtime_options")
    # ECDSA is deterministic here: the same words at the same moment are the same bytes
    assert json.loads(again.body)["error"]["message"] == "Action was already applied"
    assert json.loads(node.request("GET", OPTIONS).body)["max_heap_bytes"] == 42


def test_scripts_have_no_part_in_the_applications_own_tables(
    node: InProcessNode, user: Person
) -> None:
    node.request("PUT", CUSTOM, body=BUNDLE, person=user)

    def status(path: str, table: str) -> int:
        return node.request("POST", f"/app/{path}", body={"table": table}).status

    for table in ("my_table", "public:my_table"):
        assert (status("read", table), status("write", table)) == (200, 200)
    records = "programmability.records"
    assert (status("read", records), status("write", records)) == (200, 400)
    for table in ("programmability.foo", "public:programmability.foo"):
        assert (status("read", table), status("write", table)) == (500, 400)
    for table in ("public:ccf.gov.x", "public:ccf.internal.x"):
        assert (status("read", table), status("write", table)) == (200, 400)


def test_scripts_may_ask_for_roles(node: InProcessNode, user: Person) -> None:
    node.request("PUT", CUSTOM, body=BUNDLE, person=user)
    answer = node.request("GET", "/app/role", person=user)
    assert json.loads(answer.body) == {"permitted": False, "constant": "Hello world"}
    set_data(node, user, {"isAdmin": True, "roles": ["reader"]})
    answer = node.request("GET", "/app/role", person=user)
    assert json.loads(answer.body)["permitted"] is False


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
