"""The running node as the JavaScript application that governance gave it sees it."""

import pytest

from apps.js_generic.app import app
from ccfpy.base import json
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from tests.unit.node.conftest import CONSTITUTION

USER = Person.make("user0")

SOURCE = """
export function f(request) {
  console.error("who calls?", request.caller.id);
  ccf.kv["public:visits"].set(ccf.strToBuf("k"), ccf.jsonCompatibleToBuf(1));
  return { body: { random: Math.random(), at: Date.now() } };
}
"""
"""Uses the engine, the entropy, the clock, the log and a transaction of its node."""


@pytest.fixture(scope="module")
def js_node() -> InProcessNode:
    member = Person.make("member0", can_recover=True)
    node = InProcessNode(app, constitution=CONSTITUTION, members=[member])
    node.open_service(USER)
    return node


def bundle() -> json.JsonObject:
    properties: json.JsonObject = {
        "js_module": "m.js",
        "js_function": "f",
        "mode": "readwrite",
        "forwarding_required": "always",
        "authn_policies": ["user_cert"],
    }
    return {
        "modules": [{"name": "m.js", "module": SOURCE}],
        "metadata": {"endpoints": {"/f": {"post": properties}}},
    }


def test_an_application_comes_and_goes_by_proposal(js_node: InProcessNode) -> None:
    assert js_node.request("POST", "/app/f", person=USER).status == 404
    js_node.propose({"name": "set_js_app", "args": {"bundle": bundle()}})
    answer = js_node.request("POST", "/app/f", person=USER)
    assert answer.status == 200, answer.body
    body = json.loads_object(answer.body)
    assert isinstance(body["random"], float)
    assert body["at"] == START_UNIX_US // 1000 + js_node.now_ms
    written = {(line.tag, line.level): line.message for line in js_node.host.logs}
    said = written[LogTag.APP, LogLevel.FATAL]
    assert said == f"who calls? {USER.id}"
    assert "Path=/app/f, Status=200" in written[LogTag.JS, LogLevel.INFO]
    js_node.propose({"name": "remove_js_app"})
    assert js_node.request("POST", "/app/f", person=USER).status == 404
