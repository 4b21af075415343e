"""A JavaScript application as members install it, and as apps of others use a node."""

import json

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Answer, Caller, Service

SOURCE = """
const table = () => ccf.kv["records"];

export function put(request) {
  const [name, value] = request.query.split("=");
  table().set(ccf.strToBuf(name), ccf.strToBuf(value));
  const digest = ccf.crypto.digest("SHA-256", ccf.strToBuf(value));
  ccf.rpc.setClaimsDigest(digest);
  return { statusCode: 204, body: "not sent" };
}

export function receipt(request) {
  const name = ccf.strToBuf(decodeURIComponent(request.params.name));
  const seqno = table().getVersionOfPreviousWrite(name);
  if (seqno === undefined) return { statusCode: 404 };
  const states = ccf.historical.getStateRange(seqno, seqno, seqno, 60);
  if (states === null) return { statusCode: 202, headers: { "retry-after": 1 } };
  const value = ccf.bufToStr(states[0].kv["records"].get(name));
  return { body: { value, receipt: states[0].receipt } };
}
"""


def endpoint(function: str, mode: str) -> JsonObject:
    return {
        "js_module": "m.js",
        "js_function": function,
        "forwarding_required": "always",
        "authn_policies": ["no_auth"],
        "mode": mode,
        "openapi": {},
        "require_client_identity": False,  # of CCF 0.x; nobody minds it
    }


BUNDLE: JsonObject = {
    "metadata": {
        "endpoints": {
            "/records": {"put": endpoint("put", "readwrite")},
            "/receipts/{name}": {"get": endpoint("receipt", "readonly")},
        }
    },
    "modules": [{"name": "m.js", "module": SOURCE}],
}


pytestmark = pytest.mark.ccf(app=BUNDLE)


def test_a_caller_asks_for_the_receipt_of_what_it_wrote_until_it_is_there(
    ccf_service: Service, ccf_anybody: Caller
) -> None:
    written = ccf_anybody.put("/app/records?my%20key=a+value")
    assert (written.status, written.body) == (204, b"")

    def ask() -> Answer:
        return ccf_anybody.get("/app/receipts/my%20key")

    first = ask()
    assert (first.status, first.headers["retry-after"]) == (202, "1")
    ccf_service.wait_committed(written)
    answer = json.loads(ask().body)
    assert answer["value"] == "a value"
    components = answer["receipt"]["leaf_components"]
    assert components.keys() == {"claims_digest", "commit_evidence", "write_set_digest"}
    assert answer["receipt"]["is_signature_transaction"] is False


def test_nobody_has_a_receipt_of_what_nobody_wrote(ccf_anybody: Caller) -> None:
    assert ccf_anybody.get("/app/receipts/other").status == 404
