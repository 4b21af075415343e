from collections.abc import Callable

import pytest

from apps import basic, hello, js_generic, nobuiltins, programmability
from ccfpy.app import App
from ccfpy.base import json
from ccfpy.http.messages import Response
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.endpoints.test_openapi import check

Serve = Callable[[App], InProcessNode]


def _code(response: Response) -> tuple[int, object]:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return response.status, error["code"]


@pytest.mark.parametrize(
    "app", [basic.app, programmability.app], ids=lambda app: app.name
)
def test_records_are_kept_by_key(serve: Serve, user: Person, app: App) -> None:
    node = serve(app)
    assert (
        node.request("PUT", "/app/records/k", body=b"\xff", person=user).status == 204
    )
    read = node.request("GET", "/app/records/k", person=user)
    assert (read.status, read.body) == (200, b"\xff")
    assert read.headers["content-type"] == "text/plain"
    absent = node.request("GET", "/app/records/none", person=user)
    assert _code(absent) == (404, "InvalidResourceName")
    many = node.request("POST", "/app/records", body={"a": "1", "b": "2"}, person=user)
    assert many.status == 204
    assert node.request("GET", "/app/records/b", person=user).body == b"2"
    wrong = node.request("POST", "/app/records", body={"a": 1}, person=user)
    assert _code(wrong) == (400, "InvalidInput")
    assert node.request("GET", "/app/records/k").status == 401


def test_an_app_without_builtins_asks_the_node(serve: Serve) -> None:
    node = serve(nobuiltins.app)

    def ask(path: str) -> dict[str, object]:
        response = node.request("GET", f"/app{path}")
        assert response.status == 200, response.body
        return dict(json.loads_object(response.body))

    summary = ask("/node_summary")
    assert summary["quote_format"] == "Insecure_Virtual"
    assert ask("/commit") == {
        "transaction_id": f"{summary['committed_view']}.{summary['committed_seqno']}"
    }
    quotes = ask("/all_nodes")["nodes"]
    assert isinstance(quotes, dict)
    assert set(quotes) == {summary["node_id"]}
    assert quotes[summary["node_id"]]["quote"] == summary["quote"]
    assert ask("/tx_id?seqno=1") == {"transaction_id": "2.1"}
    assert ask("/current_time")["timestamp"] == "2025-06-15T15:06:41.000000+00:00"
    described = json.loads_object(node.request("GET", "/app/api").body)
    check(described)
    assert node.request("GET", "/app/tx").status == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (400, "InvalidInput")),
        ("?seqno=", (400, "InvalidQueryParameterValue")),
        ("?seqno=-1", (400, "InvalidQueryParameterValue")),
        ("?seqno=99999", (500, "InternalError")),
    ],
)
def test_a_seqno_that_is_none_has_no_id(
    nobuiltins_node: InProcessNode, query: str, expected: tuple[int, str]
) -> None:
    assert _code(nobuiltins_node.request("GET", f"/app/tx_id{query}")) == expected


@pytest.fixture(scope="module")
def nobuiltins_node(serve: Serve) -> InProcessNode:
    return serve(nobuiltins.app)


def test_hello_keeps_messages_of_users(serve: Serve, user: Person) -> None:
    node = serve(hello.app)
    said = node.request("PUT", "/app/messages/1", body={"text": "hello"}, person=user)
    assert said.status == 204
    assert node.request("GET", "/app/messages/1").body == b'{"text":"hello"}'
    assert _code(node.request("GET", "/app/messages/2")) == (404, "ResourceNotFound")
    unsigned = node.request("PUT", "/app/messages/1", body={"text": "x"})
    assert unsigned.status == 401


def test_js_generic_brings_nothing_of_its_own() -> None:
    paths = {endpoint.path for endpoint in js_generic.app.registry()}
    assert paths == {"/commit", "/tx", "/local_tx", "/api", "/receipt"}
