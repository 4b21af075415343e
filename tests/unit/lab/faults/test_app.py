"""The application shows each object's writes, and none twice."""

import json
from typing import TYPE_CHECKING

import pytest

from ccfpy.client.share import constitution
from ccfpy.testing.node import InProcessNode, Person
from tests.lab.faults.app import app

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


@pytest.fixture(scope="module")
def user() -> Person:
    return Person.make("user0")


@pytest.fixture(scope="module")
def node(user: Person) -> InProcessNode:
    text = "\n".join(path.read_text() for path in constitution("default"))
    members = [Person.make("member0", can_recover=True)]
    node = InProcessNode(app, constitution=text, members=members)
    node.advance(200)
    node.open_service(user)
    return node


@pytest.mark.parametrize(
    ("kind", "tail"), [("list", [1, 2, 3]), ("register", [2, 3]), ("counter", [3])]
)
def test_an_object_shows_as_much_as_its_kind_keeps(
    node: InProcessNode, user: Person, kind: str, tail: list[int]
) -> None:
    path = f"/app/objects/{kind}/{kind}"
    base = {"list": 0, "register": 10, "counter": 20}[kind]
    empty = node.request("GET", path, person=user)
    assert json.loads(empty.body) == {"count": 0, "tail": []}
    answers = [
        node.request("POST", path, body={"op": base + op}, person=user)
        for op in (1, 2, 3)
    ]
    shown = {"count": 3, "tail": [base + op for op in tail]}
    assert json.loads(answers[-1].body) == shown
    assert json.loads(node.request("GET", path, person=user).body) == shown


def test_a_number_serves_once(node: InProcessNode, user: Person) -> None:
    body: JsonObject = {"op": 999}
    path = "/app/objects/list/once"
    assert node.request("POST", path, body=body, person=user).status == 200
    assert node.request("POST", path, body=body, person=user).status == 400
    assert node.request("GET", "/app/objects/tree/x", person=user).status == 404
