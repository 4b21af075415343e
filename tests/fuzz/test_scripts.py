"""Whatever an application's script does, its node answers it and every later request.

The node is the one that ships, in the test's own thread, with an application that runs
the text of a request. ``CCFPY_FUZZ_EXAMPLES=20000 pytest tests/fuzz/test_scripts.py``
tries more.
"""

from functools import cache

import pytest
from hypothesis import given

from apps.js_generic.app import app
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.client.share import constitution
from ccfpy.http.messages import Response
from ccfpy.testing.node import Client, InProcessNode, Person
from tests.fuzz.rounds import rounds
from tests.fuzz.scripts import HARNESS, scripts

CONSTITUTION = "\n".join(path.read_text() for path in constitution("default"))
MEMBER, USER = Person.make("member", can_recover=True), Person.make("user")
HEALTHY = """
export function f(request) {
  const sent = request.body.json();
  ccf.kv["public:healthy"].set(ccf.strToBuf("k"), ccf.jsonCompatibleToBuf(sent));
  return { body: { sent, seen: ccf.kv["public:fuzz"].size } };
}
"""
STOPPED = {
    "Exception thrown while executing.",
    "Operation took too long to complete.",
    "Operation requested restart.",
}


class Scripted:
    """A node whose users send it scripts."""

    def __init__(self) -> None:
        self.node = InProcessNode(app, constitution=CONSTITUTION, members=[MEMBER])
        self.node.open_service(USER)
        self.node.propose({"name": "set_js_app", "args": {"bundle": _bundle()}})
        self._client: Client | None = None

    def post(self, path: str, body: bytes) -> Response:
        """Send a body on a connection that may have been closed."""
        if self._client is None or self._client.is_closed:
            self._client = self.node.connect(USER)
        return self._client.request("POST", path, body=body)

    def lines_since(self, count: int) -> list[str]:
        """Return what the node has logged after a number of lines."""
        return [line.message for line in self.node.host.logs[count:]]


def _bundle() -> JsonObject:
    def endpoint(module: str, **more: json.Json) -> JsonObject:
        return {
            "js_module": module,
            "js_function": "f",
            "mode": "readwrite",
            "forwarding_required": "always",
            "authn_policies": ["no_auth"],
            **more,
        }

    kept: JsonObject = {"interpreter_reuse": {"key": "shared"}}
    return {
        "modules": [
            {"name": "run.js", "module": HARNESS},
            {"name": "healthy.js", "module": HEALTHY},
        ],
        "metadata": {
            "endpoints": {
                "/fresh": {"post": endpoint("run.js")},
                "/kept": {"post": endpoint("run.js", **kept)},
                "/healthy": {"post": endpoint("healthy.js")},
            }
        },
    }


@cache
def scripted() -> Scripted:
    return Scripted()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/app/fresh", "/app/kept"])
@rounds()
@given(script=scripts())
def test_any_script_is_answered_and_the_next_request_too(
    path: str, script: str
) -> None:
    served = scripted()
    said, entries = len(served.node.host.logs), len(served.node.host.entries)
    answer = served.post(path, script.encode())
    assert 100 <= answer.status <= 999
    if _is_failure(answer):
        assert len(served.node.host.entries) == entries, "a failed call has written"
    lines = served.lines_since(said)
    assert not [line for line in lines if line.startswith("Unhandled")], lines
    assert served.node.host.stop is None
    healthy = served.post("/app/healthy", b"[1]")
    assert healthy.status == 200, healthy
    assert json.loads_object(healthy.body)["sent"] == [1]


def _is_failure(answer: Response) -> bool:
    """Return whether the node answered instead of the script, and check the answer."""
    if answer.status != 500:
        return False
    try:
        error = json.loads_object(answer.body)["error"]
    except (Malformed, KeyError):
        return False  # the script's own words
    assert isinstance(error, dict)
    assert set(error) <= {"code", "message", "details"}
    assert error["code"] == "InternalError"
    return True


def test_scripts_reach_all_that_there_is() -> None:
    script = """
        const wanted = [
          ccf.strToBuf, ccf.crypto.digest, ccf.crypto.verifySignature,
          ccf.rpc.setClaimsDigest, ccf.consensus.getStatusForTxId, console.log,
          ccf.historical.getStateRange, request.body.json, table.set, table.forEach,
        ];
        return { body: wanted.map((each) => api.includes(each)) };
    """
    reached = json.loads(scripted().post("/app/fresh", script.encode()).body)
    assert isinstance(reached, list)
    assert reached == [True] * len(reached), reached
