"""Our OpenAPI documents state what CCF's state, but for what is marked."""

import pytest

from apps.logging.app import app as logging
from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client.share import constitution
from ccfpy.testing.node import InProcessNode, Person
from tests.vectors.openapi.comparison import FILES, in_ccf_words, ours, theirs
from tests.vectors.openapi.facts import facts

PATHS = {
    "node": "/node/api",
    "logging": "/app/api",
    "gov-2023-06-01-preview": "/gov/api?api-version=2023-06-01-preview",
    "gov-2024-07-01": "/gov/api?api-version=2024-07-01",
    "gov-classic": "/gov/api",
}
GENERATED = ("node", "logging", "gov-classic")
TX_ID_HEADER = "+x-ms-ccf-transaction-id"
"""What CCF's nodes answer, and its generated documents do not say."""


@pytest.fixture(scope="module")
def served() -> InProcessNode:
    scripts = [path.read_text() for path in constitution("default")]
    members = [Person.make("member0", can_recover=True)]
    node = InProcessNode(logging, constitution="\n".join(scripts), members=members)
    node.open_service(Person.make("user0"))
    return node


@pytest.mark.parametrize("name", FILES)
def test_a_document_states_what_ccf_states(served: InProcessNode, name: str) -> None:
    reply = served.request("GET", PATHS[name])
    assert reply.status == 200, reply
    stated = facts(json.loads_object(reply.body))
    if name in GENERATED:
        assert any(TX_ID_HEADER in fact for fact in stated)
        stated = [fact.replace(TX_ID_HEADER, "") for fact in stated]
    if name == "logging":
        stated = [in_ccf_words(fact) for fact in stated]
    assert sorted(stated) == ours(name)


def test_under_node_only_what_is_on_its_way_differs() -> None:
    assert ours("node") == [
        fact.replace(":json default", ":json 202=text/plain:string default")
        if fact.startswith("GET /node/receipt ")
        else fact
        for fact in theirs("node")
    ]


def test_what_differs_is_marked() -> None:
    for name in FILES:
        assert set(ours(name)) - set(theirs(name))
        assert set(theirs(name)) - set(ours(name))


def test_facts_leave_out_prose_and_order() -> None:
    def document(*, prose: str, names: list[str]) -> JsonObject:
        schema: JsonObject = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in names},
            "required": [*names[:1]],
            "description": prose,
        }
        responses: JsonObject = {
            "200": {
                "description": prose,
                "content": {"application/json": {"schema": schema}},
            }
        }
        get: JsonObject = {"operationId": "Get", "responses": responses}
        return {"paths": {"/a/{x}": {"get": {**get, "summary": prose}}}}

    one = facts(document(prose="One", names=["a", "b"]))
    assert one == ["GET /a/{x} id=Get 200=application/json:{a: string, b?: string}"]
    assert facts(document(prose="Two", names=["a", "b"])) == one
    assert facts(document(prose="One", names=["b", "a"])) != one
