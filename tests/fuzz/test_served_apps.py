"""No request to the apps that emulate other services is answered with their failure.

Each app runs on the node that ships, in the test's own thread.
"""

import json as standard_json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.confidential_ledger.app import VERSIONS, app
from apps.confidential_ledger.limits import WAIT_MS
from ccfpy.testing.apps import Service
from tests.apps import confidential, scitt_kit
from tests.fuzz.mutations import TEXTS, damaged, replaced
from tests.fuzz.rounds import rounds

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.testing.configuration import Person
    from ccfpy.testing.node import Client

pytestmark = pytest.mark.slow

STEP_MS = 50
WORDS = st.one_of(
    st.sampled_from([*TEXTS, *VERSIONS, scitt_kit.SCRAPI[12:], "true", "2.1", "%"]),
    st.text(max_size=10),
)


@dataclass(kw_only=True)
class Asked:
    """A service, and the connection of a caller, opened again when it was closed."""

    service: Service
    person: "Person | None"
    client: "Client | None" = None

    def ask(
        self, method: str, target: str, body: bytes, kind: str, **headers: str
    ) -> "Response":
        """Ask, and wait as long as an answer may take."""
        if self.client is None or self.client.is_closed:
            self.client = self.service.nodes[0].connect(self.person)
        lines = {"content-type": kind, "content-length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body
        responses = self.client.send(request)
        waited_ms = 0
        while not responses:
            assert waited_ms <= WAIT_MS, target
            self.service.advance(STEP_MS)
            waited_ms += STEP_MS
            responses = self.client.receive()
        (response,) = responses
        assert self.service.nodes[0].host.stop is None
        return response


# A confidential ledger

TOKEN: "dict[str, Json]" = {
    "aud": confidential.AUDIENCE,
    "oid": confidential.OBJECT_ID,
    "sub": "s",
}
PATHS = {
    "collections": ("after",),
    "enclaveQuotes": (),
    "governance/members": (),
    "ledgerUsers": ("after",),
    "ledgerUsers/{}": (),
    "roles": ("roleName",),
    "transactions": ("collectionId", "fromTransactionId", "toTransactionId", "tag"),
    "transactions/current": ("collectionId",),
    "transactions/{}": ("collectionId",),
    "transactions/{}/receipt": (),
    "transactions/{}/status": (),
    "userDefinedEndpoints/modules": ("module_name",),
    "userDefinedFunctions/{}": (),
    "users/{}": (),
}
"""What can be read, with the parameters that each takes."""
HOOK: "dict[str, Json]" = {
    "functionId": "f",
    "properties": {"exportedFunctionName": "main", "arguments": ["a"]},
}
BODIES: "dict[tuple[str, str], dict[str, Json]]" = {
    ("POST", "transactions"): {"contents": "c", "preHooks": [HOOK], "postHooks": []},
    ("POST", "userDefinedFunctions/f:execute"): {"arguments": ["a", "b"]},
    ("PATCH", f"users/{confidential.OBJECT_ID}"): {"assignedRole": "Reader"},
    ("PATCH", f"ledgerUsers/{confidential.OBJECT_ID}"): {"assignedRoles": ["Reader"]},
    ("PATCH", "userDefinedEndpoints/runtimeOptions"): {"max_cached_interpreters": 3},
    ("PUT", "roles"): {"roles": [{"roleName": "r", "roleActions": ["/a"]}]},
    ("PUT", "userDefinedEndpoints"): {
        "metadata": {"endpoints": {"/hi": {"get": {"js_module": "/m.js"}}}},
        "modules": [{"name": "/m.js", "module": "export const f = () => 1;"}],
    },
    ("PUT", "userDefinedFunctions/g"): {"code": "export const main = () => 1;"},
}
FUNCTION = "export const main = (a) => a;"


@cache
def ledger() -> Asked:
    """Return a ledger with an entry and a function, for its administrator."""
    service = Service.open(app, users={"admin": confidential.ADMINISTRATOR})
    admin = service.user()
    brought = {"code": FUNCTION}
    admin.put(confidential.path("userDefinedFunctions/f"), {**brought})
    confidential.append(admin, "text", tags="red")
    service.wait_committed()
    return Asked(service=service, person=admin.person)


@rounds()
@given(data=st.data())
def test_any_claims_of_a_token_are_taken_or_refused(data: st.DataObject) -> None:
    service = ledger().service
    issuer = _issuer()
    claims = data.draw(replaced(TOKEN))
    try:
        token = issuer.token(**cast("dict[str, Json]", claims))
    except (TypeError, ValueError):
        return  # no claims, or no JSON holds them
    if data.draw(st.booleans()):
        token = data.draw(damaged([token.encode()])).decode("latin-1")
    if not token.isprintable():
        return  # no field of HTTP
    caller = Asked(service=service, person=None)
    target = confidential.path("collections")
    response = caller.ask("GET", target, b"", "", authorization=f"Bearer {token}")
    assert 200 <= response.status < 500, (token, response)


@cache
def _issuer() -> Any:  # noqa: ANN401 - the kit does not name its type in public
    return ledger().service.trust_issuer()


@rounds()
@given(data=st.data())
def test_any_versions_and_filters_are_taken_or_refused(data: st.DataObject) -> None:
    below = data.draw(st.sampled_from(sorted(PATHS)))
    version = data.draw(st.sampled_from([*VERSIONS, *VERSIONS, None]) | WORDS)
    chosen = data.draw(st.lists(st.sampled_from([*PATHS[below], "x"]), max_size=4))
    pairs = [(name, data.draw(WORDS)) for name in chosen]
    if version is not None:
        pairs.append(("api-version", version))
    named = quote(data.draw(WORDS), safe="")
    query = urlencode(pairs, errors="replace")
    response = ledger().ask("GET", f"/app/{below.format(named)}?{query}", b"", "")
    assert 200 <= response.status < 500, (below, query, response)
    if response.status == 200:
        assert version in VERSIONS


@pytest.mark.parametrize(("method", "below"), BODIES)
@rounds(share=2)
@given(data=st.data())
def test_any_body_is_taken_or_refused(
    method: str, below: str, data: st.DataObject
) -> None:
    value = data.draw(replaced(BODIES[method, below]))
    body = standard_json.dumps(value).encode()
    if data.draw(st.integers(0, 3)) == 0:
        body = data.draw(damaged([body]))
    target = confidential.path(below)
    response = ledger().ask(method, target, body, "application/json")
    if response.status == 500:  # a function failed, as it was asked to
        assert b"Error while executing function" in response.body, response
    else:
        assert 200 <= response.status < 500, (body, response)


# A transparency service


@cache
def transparency() -> Asked:
    """Return a transparency service, for anybody."""
    opened = scitt_kit.Transparency.open(scitt_kit.configuration())
    registered = opened.register()
    assert registered.status == 303, registered
    opened.service.wait_committed()
    return Asked(service=opened.service, person=None)


@cache
def signer() -> scitt_kit.Issuer:
    """Return an issuer, whose header is registered if nothing is changed."""
    return scitt_kit.issuer()


@rounds()
@given(data=st.data())
def test_any_statement_is_registered_or_refused(data: st.DataObject) -> None:
    key, algorithm = signer().key, signer().algorithm
    header = cast("dict[Any, Any]", data.draw(replaced(signer().protected)))
    try:
        body = scitt_kit.sign1(key, algorithm, header, b"artifact")
    except (TypeError, ValueError):
        return  # no map, or no CBOR holds it
    if data.draw(st.integers(0, 3)) == 0:
        body = data.draw(damaged([body]))
    query = data.draw(st.sampled_from([scitt_kit.SCRAPI, ""]))
    response = transparency().ask(
        "POST", f"/entries?{query}", body, "application/cose", host="scitt.example"
    )
    assert response.status in (202, 303, 400, 413), response


READ = (
    *("/entries/{}", "/entries/{}/statement", "/operations/{}"),
    *("/.well-known/scitt-keys/{}", "/entries/txIds"),
)
FILTERS = ("from", "to", "waitForCommit", "api-version")


@rounds()
@given(data=st.data())
def test_any_question_for_a_statement_is_answered_or_refused(
    data: st.DataObject,
) -> None:
    path = data.draw(st.sampled_from(READ)).format(quote(data.draw(WORDS), safe=""))
    chosen = data.draw(st.lists(st.sampled_from(FILTERS), max_size=3))
    query = urlencode([(name, data.draw(WORDS)) for name in chosen], errors="replace")
    response = transparency().ask(
        "GET", f"{path}?{query}", b"", "", host="scitt.example"
    )
    if response.status == 503:  # ask again
        assert b"PendingOrUnknown" in response.body or b"Retry" in response.body
    else:
        assert 200 <= response.status < 500, (path, query, response)
