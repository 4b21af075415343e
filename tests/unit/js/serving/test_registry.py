"""Endpoints in tables, beside those of the node's code."""

import json

import pytest
from openapi_spec_validator import validate

from ccfpy.base import limits
from ccfpy.base.json import Json
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.app_policies import custom_policy
from ccfpy.endpoints.auth import AppCaller, RequestCredentials, Unauthenticated
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.openapi import document
from ccfpy.http.messages import Response
from ccfpy.js.serving import GOVERNED, ScriptedRegistry, Scripts
from tests.attacks import attack
from tests.unit.endpoints.test_policies import Threads
from tests.unit.js.serving.installed import Installed, error_of, of_f

SOURCE = "export function f(request) { return { body: request.params }; }"


def serve(*endpoints: str) -> Installed:
    installed = Installed()
    installed.install({"/m.js": SOURCE}, {each: of_f() for each in endpoints})
    return installed


def test_a_path_without_parameters_wins() -> None:
    installed = serve("POST /a/b", "POST /a/{x}")
    assert installed.call(path="/a/b").body == b"{}"
    assert installed.call(path="/a/c%20d").body == b'{"x":"c%20d"}'


def test_a_path_may_have_several_parameters_and_verbs() -> None:
    installed = serve("GET /{op}/{left}:{right}")
    answer = installed.call("GET", "/mul/5:7")
    assert json.loads(answer.body) == {"op": "mul", "left": "5", "right": "7"}


def test_two_templates_that_match_are_named() -> None:
    answer = serve("POST /t/{bar}", "POST /t/{baz}").call(path="/t/foo")
    assert answer.status == 500
    message = str(error_of(answer)["message"])
    assert all(part in message for part in ("/t/foo", "/t/{bar}", "/t/{baz}"))


def test_what_is_not_there_is_told_with_all_verbs() -> None:
    installed = serve("PUT /a/{x}", "POST /a/b")
    installed.registry.add(
        Endpoint(method="GET", path="/a/b", handler=lambda _: Response(status=200))
    )
    refused = installed.call("DELETE", "/a/b")
    assert refused.status == 405
    assert refused.headers["allow"] == "OPTIONS, GET, POST, PUT"
    assert installed.call("OPTIONS", "/a/b").status == 204
    assert installed.call("GET", "/nowhere").status == 404


def test_an_application_may_replace_an_endpoint_of_the_node() -> None:
    installed = serve()
    add_common_endpoints(installed.registry)
    assert "transaction_id" in json.loads(installed.call("GET", "/commit").body)
    installed.install({"/m.js": SOURCE}, {"GET /commit": of_f()})
    assert installed.call("GET", "/commit").body == b"{}"


def test_an_application_is_gone_when_its_tables_are_empty() -> None:
    installed = serve("POST /f")
    assert installed.call().status == 200
    installed.install({}, {})
    assert installed.call().status == 404


def test_authentication_comes_before_the_script() -> None:
    installed = Installed()
    endpoint = of_f(authn_policies=["user_cert", {"all_of": ["user_cert", "jwt"]}])
    installed.install({"/m.js": SOURCE}, {"POST /f": endpoint})
    answer = installed.call()
    assert answer.status == 401
    details = error_of(answer)["details"]
    assert isinstance(details, list)
    assert [each["auth_policy"] for each in details] == ["user_cert", "jwt+user_cert"]


def test_openapi_has_what_the_metadata_says() -> None:
    installed = Installed()
    described = {"responses": {"200": {"description": "Ok"}}}
    installed.install(
        {"/m.js": SOURCE},
        {
            "POST /a/{x}": of_f(openapi=described),
            "GET /a/{x}": of_f(openapi=None),
            "GET /b": of_f(openapi_hidden=True),
        },
    )
    tx = installed.node.begin(read_only=False)
    tx.raw(GOVERNED.endpoints.name).put(b"GET /broken", b"{")
    installed.node.commit(tx, None)
    whole = document(installed.registry)
    validate(whole)
    paths = whole["paths"]
    assert isinstance(paths, dict)
    assert set(paths) == {"/app/a/{x}"}
    item = paths["/app/a/{x}"]
    assert isinstance(item, dict)
    assert set(item) == {"parameters", "get", "post"}
    assert item["post"] == {
        **described,
        "operationId": "PostAppAX",
        "x-ccf-forwarding": {"$ref": "#/components/x-ccf-forwarding/always"},
        "x-ccfpy-policies": [],
    }
    assert item["get"]["responses"].keys() == {"200", "default"}  # type: ignore[index,call-overload,union-attr]  # objects


@pytest.mark.parametrize(
    "said",
    [
        {"responses": {}},
        {"responses": {"200": {"$ref": "https://example.com/"}}},
        {"parameters": [{"name": "x", "in": "path"}, {"name": "y", "in": "path"}]},
        {"operationId": "GetAppAX", "security": [{"nobody": []}]},
        {"requestBody": [], "tags": {}, "summary": None},
        [[["deep"]]],
        "text",
    ],
)
def test_the_document_is_valid_whatever_the_metadata_says(said: Json) -> None:
    installed = Installed()
    installed.install(
        {"/m.js": SOURCE},
        {
            "GET /a/{x}": of_f(openapi=said, authn_policies=("jwt",)),
            "PUT /a/{x}": of_f(openapi=said),
        },
    )
    validate(document(installed.registry))


def test_an_endpoint_in_a_table_is_described_in_the_place_of_another() -> None:
    installed = Installed()
    add_common_endpoints(installed.registry)
    installed.install(
        {"/m.js": SOURCE}, {"GET /commit": of_f(openapi={"summary": "Ours"})}
    )
    described = document(installed.registry)
    validate(described)
    assert described["paths"]["/app/commit"]["get"]["summary"] == "Ours"  # type: ignore[index,call-overload]  # objects


@pytest.fixture
def unattached() -> ScriptedRegistry:
    scripts = Scripts(tables=GOVERNED)
    return ScriptedRegistry(
        "app", title="t", description="d", version="1", scripts=scripts
    )


def test_without_a_node_there_are_no_scripts(unattached: ScriptedRegistry) -> None:
    assert unattached.find("GET", "/x") is None
    assert unattached.methods_of("/x") == []
    assert document(unattached)["paths"] == {}


@custom_policy("named")
def named(shown: RequestCredentials) -> AppCaller:
    name = shown.header("x-name")
    if name is None:
        raise Unauthenticated("No name")
    return shown.caller(name, {"length": len(name)})


@pytest.mark.parametrize("policy", ["named", {"all_of": ["named", "no_auth"]}])
def test_an_endpoint_may_name_a_policy_of_the_applications(policy: Json) -> None:
    installed = Installed(Scripts(tables=GOVERNED, policies={"named": named}))
    source = "export function f(request) { return { body: request.caller } }"
    endpoint = of_f(authn_policies=[policy])
    installed.install({"/m.js": source}, {"POST /f": endpoint})
    assert installed.call().status == 401
    answer = installed.call(headers={"x-name": "ann"})
    assert answer.status == 200
    caller = {"policy": "named", "id": "ann", "data": {"length": 3}}
    if isinstance(policy, dict):
        both = {"named": caller, "no_auth": {"policy": "no_auth"}}
        assert json.loads(answer.body) == both | {"policy": ["named", "no_auth"]}
    else:
        assert json.loads(answer.body) == caller


@attack("applications: a policy that strangers make slow")
def test_a_policy_before_a_script_has_the_limits_of_a_call_in_python() -> None:
    installed = Installed(Scripts(tables=GOVERNED, policies={"named": named}))
    threads = Threads()
    installed.frontend = Frontend(
        installed.registry,
        installed.node,
        clock=installed.script_node.clock,
        has_backpressure=True,
        on_unhandled=lambda *_: "id",
        calls=AppCalls(threads),
        is_app=True,
    )
    installed.frontend.is_open = True
    installed.function("return {}", authn_policies=["named"])
    assert installed.call(headers={"x-name": "ann"}).status == 200
    assert threads.limits_ms == [limits.APP_EXECUTION_MS_MAX]
    threads.has_room = False
    assert installed.call(headers={"x-name": "ann"}).status == 503
    installed.function("return {}", authn_policies=[{"all_of": ["no_auth"]}])
    assert installed.call().status == 200


def test_without_the_application_saying_so_a_name_is_unknown() -> None:
    installed = Installed()
    installed.function("return {}", authn_policies=["named"])
    answer = installed.call()
    assert answer.status == 500
    assert error_of(answer)["message"] == "Unknown auth policy: named"
