"""No request to a node gets an answer that reports the node's own failure.

The node is the one that ships, in the test's own thread.
"""

import json as standard_json
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.logging.app import app
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.events import SessionData
from ccfpy.client.share import constitution
from ccfpy.crypto import cose
from ccfpy.http.response_parser import ResponseParser
from ccfpy.testing.node import (
    GOV_VERSION,
    START_UNIX_US,
    Client,
    InProcessNode,
    Person,
    listener,
)
from tests.fuzz import examples
from tests.fuzz.mutations import TEXTS, damaged, replaced
from tests.fuzz.rounds import rounds

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.http.messages import Response

CONSTITUTION = "\n".join(path.read_text() for path in constitution("default"))
MEMBER, USER = Person.make("member", can_recover=True), Person.make("user")
CLEAR = "clear"
Methods: TypeAlias = "dict[str, JsonObject | list[Json]]"


class Served:
    """A node, and connections to it that are opened again when it closes them."""

    def __init__(self) -> None:
        clear = listener(
            CLEAR,
            port=8001,
            authority=InterfaceAuthority.UNSECURED,
            accepted_endpoints=(".*",),
        )
        self.node = InProcessNode(
            app,
            constitution=CONSTITUTION,
            members=[MEMBER],
            interfaces=[listener(), clear],
        )
        self.node.open_service(USER)
        self._client: Client | None = None

    def ask(self, method: str, target: str, body: bytes, kind: str) -> "Response":
        """Ask as the user; the answer must not be the node's own failure."""
        if self._client is None or self._client.is_closed:
            self._client = self.node.connect(USER)
        headers = {"content-type": kind}
        response = self._client.request(method, target, body=body, headers=headers)
        assert response.status < 500, (method, target, body, response)
        return response

    def say(self, data: bytes) -> bytes:
        """Send any bytes without TLS; return the answer."""
        session = self.node.open_session(CLEAR)
        self.node.step(SessionData(session=session, data=data))
        assert self.node.host.stop is None
        return bytes(self.node.host.sent.pop(session, bytearray()))

    @property
    def ledger_length(self) -> int:
        """Return the number of entries."""
        return len(self.node.host.entries)


@cache
def served() -> Served:
    return Served()


BODIES: dict[tuple[str, str], "Json"] = {
    ("POST", "/app/log/private"): {"id": 1, "msg": "m"},
    ("POST", "/app/log/public"): {"id": 1, "msg": "m", "record_claim": True},
    ("POST", "/app/log/private/anonymous/v2"): {"id": 1, "msg": "m"},
}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), BODIES)
@rounds()
@given(data=st.data())
def test_any_body_is_taken_or_refused(
    method: str, path: str, data: st.DataObject
) -> None:
    value = data.draw(replaced(BODIES[method, path]))
    body = standard_json.dumps(value).encode()
    if data.draw(st.booleans()):
        body = data.draw(damaged([body]))
    served().ask(method, path, body, "application/json")


@cache
def operations() -> list[tuple[str, str, tuple[str, ...]]]:
    """Return every operation that the node describes, and its query parameters."""
    found = []
    version = f"?api-version={GOV_VERSION}"
    for prefix, query in (("app", ""), ("node", ""), ("gov", version)):
        text = served().node.request("GET", f"/{prefix}/api{query}").body
        paths = cast("dict[str, Methods]", json.loads_object(text)["paths"])
        for path, methods in paths.items():
            for method, operation in methods.items():
                # Beside the methods stand parameters that they share. What answers a
                # HEAD has no body, which the client here cannot know.
                if isinstance(operation, dict) and method != "head":
                    found.append((method.upper(), path, _names(operation)))
    return found


def _names(operation: "JsonObject") -> tuple[str, ...]:
    parameters = cast("list[JsonObject]", operation.get("parameters", []))
    return tuple(str(each["name"]) for each in parameters if each.get("in") == "query")


WORDS = st.one_of(
    st.sampled_from(
        [*TEXTS, "1", "2.1", "true", "primary", "self", "0" * 64, "%", "."]
    ),
    st.text(max_size=10),
)


@pytest.mark.slow
@rounds()
@given(data=st.data())
def test_every_operation_takes_or_refuses_any_parameters(data: st.DataObject) -> None:
    method, path, names = data.draw(st.sampled_from(operations()))
    parts = [
        quote(data.draw(WORDS), safe="") if part.startswith("{") else part
        for part in path.split("/")
    ]
    chosen = data.draw(st.lists(st.sampled_from([*names, "x"]), max_size=4))
    pairs = [f"{name}={quote(data.draw(WORDS), safe='%')}" for name in chosen]
    if path.startswith("/gov"):
        pairs.append(f"api-version={GOV_VERSION}")
    target = "/".join(parts) + "?" + "&".join(pairs)
    served().ask(method, target, b"", "application/json")


@rounds()
@given(data=st.data())
def test_any_bytes_instead_of_http_are_answered_or_dropped(data: st.DataObject) -> None:
    reply = served().say(data.draw(damaged(examples.http_requests())))
    try:
        responses = ResponseParser().feed(reply)
    except Malformed:
        assert reply.startswith(b"HTTP/1.1 "), reply  # to HEAD, without a body
        return
    assert all(response.status < 500 for response in responses), responses


def _signed(header: cose.Header, content: bytes) -> bytes:
    return cose.sign(MEMBER.key, protected=header, payload=content)


def _header(kind: str) -> dict[cose.Label, object]:
    return {
        cose.KID: MEMBER.id.encode(),
        "ccf.gov.msg.type": kind,
        "ccf.gov.msg.created_at": START_UNIX_US // 1_000_000 + 500,
        "ccf.gov.msg.proposal_id": "00" * 32,
    }


PROPOSAL = json.dumps({"actions": [{"name": "trigger_ledger_chunk"}]})
SIGNED = {
    "proposal": "members/proposals:create",
    "ballot": f"members/proposals/{'00' * 32}/ballots/{MEMBER.id}:submit",
    "withdrawal": f"members/proposals/{'00' * 32}:withdraw",
    "ack": f"members/state-digests/{MEMBER.id}:ack",
    "recovery_share": f"recovery/members/{MEMBER.id}:recover",
}


@pytest.mark.parametrize("kind", SIGNED)
@rounds(share=2)
@given(data=st.data())
def test_a_damaged_signed_request_is_refused_and_changes_nothing(
    kind: str, data: st.DataObject
) -> None:
    message = _signed(_header(kind), PROPOSAL)
    changed = data.draw(damaged([message]))
    before = served().ledger_length
    response = _govern(kind, changed)
    if response.status >= 400:
        assert served().ledger_length == before
    else:
        assert cose.parse(changed).signature == cose.parse(message).signature


@pytest.mark.parametrize("kind", SIGNED)
@rounds(share=2)
@given(data=st.data())
def test_any_signed_header_and_content_are_taken_or_refused(
    kind: str, data: st.DataObject
) -> None:
    header = cast("cose.Header", data.draw(replaced(_header(kind))))
    value = data.draw(replaced(json.loads(PROPOSAL)))
    if not isinstance(header, dict):
        header = {cose.KID: header}
    try:
        # A constitution fails, as CCF's does, on content that is no JSON.
        content = standard_json.dumps(value, allow_nan=False).encode()
        message = _signed(header, content)
    except (TypeError, ValueError):
        return  # no JSON or no CBOR holds that
    _govern(kind, message)


def _govern(kind: str, message: bytes) -> "Response":
    path = f"/gov/{SIGNED[kind]}?api-version={GOV_VERSION}"
    return served().ask("POST", path, message, "application/cose")


def test_the_node_still_serves() -> None:
    assert served().ask("GET", "/node/state", b"", "").status == 200
    assert served().node.host.stop is None
