"""A node serves the scripts in its tables, and survives hostile ones."""

from collections.abc import Iterator

import pytest

from apps.hello.app import app as hello
from apps.js_generic.app import app
from ccfpy.app import App
from ccfpy.base import json, limits
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.endpoints.scripting import ScriptFailed
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from tests.attacks import attack
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


@pytest.fixture(scope="module")
def py_node() -> InProcessNode:
    member = Person.make("member0", can_recover=True)
    return InProcessNode(hello, constitution=CONSTITUTION, members=[member])


POLICY = """
import { limit } from "./limit.js";
export const check = (given, bytes) => {
  if (given.fails) throw new Error("not today");
  while (given.loops) {}
  console.log("checked");
  return given.size <= limit ? bytes.byteLength : undefined;
};
"""
MODULES = {"/policy.js": POLICY, "/limit.js": "export const limit = 5;"}


def call(node: InProcessNode, given: json.Json, function: str = "check") -> json.Json:
    running = node.trusted.running
    assert running is not None
    return running.scripts.call(MODULES, function, [given, b"abc"])


def test_a_python_application_calls_a_script(py_node: InProcessNode) -> None:
    assert call(py_node, {"size": 5}) == 3
    assert call(py_node, {"size": 6}) is None
    py_node.advance(1)
    assert "checked" in [line.message for line in py_node.host.logs]


@pytest.mark.parametrize(
    ("given", "function", "reason", "has_begun"),
    [
        ({"fails": True}, "check", "Error: not today", True),
        ({"loops": True}, "check", "too long", True),
        ({}, "absent", "absent", False),
    ],
)
def test_a_script_that_fails_says_why(
    py_node: InProcessNode,
    given: json.Json,
    function: str,
    reason: str,
    has_begun: bool,
) -> None:
    with pytest.raises(ScriptFailed, match=reason) as failed:
        call(py_node, given, function)
    assert failed.value.has_begun is has_begun


HOGS = {
    "time": "for (;;) {}",
    "time in a pattern": "/(a+)+$/.test('a'.repeat(60) + 'b')",
    "heap": "const all = []; for (;;) { all.push('x'.repeat(100000) + all.length) }",
    "heap at once": "new Uint8Array(2 ** 30)",
    "stack": "function f() { return f() + 1 } f()",
    "stack in json": "JSON.parse('['.repeat(200000))",
    "stack in a pattern": "RegExp('('.repeat(100000))",
}

HOSTILE_CONSTITUTION = f"""
const hogs = {{
{",".join(f"{json.dumps(name).decode()}() {{ {text} }}" for name, text in HOGS.items())}
}};

function hog(text, where) {{
  const [action] = JSON.parse(text).actions;
  if (action.name === where) {{
    hogs[action.args.kind]();
    throw new Error("it ended");
  }}
}}

export function validate(input) {{
  hog(input, "validate");
  return {{ valid: true, description: "" }};
}}

export function resolve(input) {{
  hog(input, "resolve");
  return "Accepted";
}}

export function apply(input) {{
  hog(input, "apply");
}}
"""


@pytest.fixture(scope="module")
def node() -> Iterator[InProcessNode]:
    member = Person.make("member", can_recover=True)
    made = InProcessNode(
        App("none"), constitution=HOSTILE_CONSTITUTION, members=[member]
    )
    made.acknowledge(member)
    yield made
    assert made.host.stop is None


@attack("gov: a constitution that never ends")
@pytest.mark.parametrize(
    ("where", "kind"),
    [
        pytest.param(where, kind, marks=[pytest.mark.slow] if is_long else [])
        for where in ("validate", "resolve", "apply")
        for kind in HOGS
        # Those take seconds.
        if not (is_long := kind.startswith("time in")) or where == "apply"
    ],
)
def test_a_constitution_that_never_ends(
    node: InProcessNode, where: str, kind: str
) -> None:
    action: json.Json = {"name": where, "args": {"kind": kind}}
    answer = node.propose(action)
    told = json.loads_object(answer.body)
    if answer.status == 200:
        assert told["proposalState"] == "Failed", told
    else:
        assert answer.status in (400, 500)
        assert "error" in told
    assert b"it ended" not in answer.body
    assert len(answer.body) < limits.JS_REASON_CHARS_MAX
    accepted = json.loads_object(node.propose({"name": "plain"}).body)
    assert accepted["proposalState"] == "Accepted"


MEMBERS = tuple(Person.make(f"member {i}", can_recover=True) for i in range(3))
COUNTING = """
export function validate() { return { valid: true, description: "" } }

export function resolve(proposal, proposer, votes) {
  return votes.filter((each) => each.vote).length > 1 ? "Accepted" : "Open";
}

export function apply() {}
"""
LARGE = 900 * limits.KIB
YES = "export const vote = () => true"
LARGE_BALLOTS = {
    "nested brackets": f"{YES};" + "(" * LARGE + ")" * 10,
    "nested arrays": "export const vote = () => " + "[" * LARGE,
    "nested functions": f"{YES};" + "(()=>" * (LARGE // 5),
    "nested blocks": f"{YES};" + "{" * LARGE + "}" * 10,
    "nested templates": f"{YES};" + "`${" * (LARGE // 3),
    "a long chain": "export const vote = () => 1" + "+1" * (LARGE // 2) + " > 1e9",
    "many functions": "export const vote = () => false;"
    + "".join(f"function f{i}(){{}}" for i in range(LARGE // 80)),
    "a long name": f"export const vote = () => {'x' * LARGE}",
    "a long text": f"export const vote = () => '{'x' * LARGE}' === ''",
    "a bomb of text": (
        "let x = 'x'.repeat(1e6); for (let i = 0; i < 40; i++) x += x; " + YES
    ),
}


@pytest.fixture(scope="module")
def three() -> Iterator[InProcessNode]:
    made = InProcessNode(App("none"), constitution=COUNTING, members=MEMBERS)
    for member in MEMBERS:
        made.acknowledge(member)
    yield made
    assert made.host.stop is None


@attack("gov: a script as large as a request may be")
@pytest.mark.parametrize("name", LARGE_BALLOTS)
def test_a_script_as_large_as_a_request_may_be(three: InProcessNode, name: str) -> None:
    made = three.govern(
        MEMBERS[0],
        "members/proposals:create",
        "proposal",
        {"actions": [{"name": "plain"}]},
    )
    proposal_id = str(json.loads_object(made.body)["proposalId"])
    outcome = made
    for member, ballot in zip(MEMBERS, (LARGE_BALLOTS[name], YES, YES), strict=True):
        outcome = three.govern(
            member,
            f"members/proposals/{proposal_id}/ballots/{member.id}:submit",
            "ballot",
            {"ballot": ballot},
            proposal_id=proposal_id,
        )
        if member is not MEMBERS[0]:
            assert outcome.status == 200, outcome.body[:300]
    assert json.loads_object(outcome.body)["proposalState"] == "Accepted"


@attack("gov: a script as large as a request may be")
def test_a_script_larger_than_a_request_may_be(three: InProcessNode) -> None:
    answer = three.govern(
        MEMBERS[0],
        "members/proposals:create",
        "proposal",
        {"actions": [{"name": "x" * limits.HTTP_BODY_BYTES_MAX}]},
    )
    assert answer.status == 413
