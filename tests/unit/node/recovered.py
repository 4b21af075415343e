"""The requests of users, members and operators to a lost and recovered service."""

from typing import TYPE_CHECKING

from ccfpy.base import json
from ccfpy.http.messages import Response
from ccfpy.testing.node import InProcessNode, Person

if TYPE_CHECKING:
    from ccfpy.base.json import Json


def write(node: InProcessNode, person: Person, **texts: str) -> None:
    body: dict[str, Json] = dict(texts)
    reply = node.request("PUT", "/app/notes", body=body, person=person)
    assert reply.status == 200, reply.body


def read(node: InProcessNode, name: str) -> object:
    reply = node.request("GET", f"/app/notes?name={name}")
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def state(node: InProcessNode) -> "dict[str, Json]":
    return json.loads_object(node.request("GET", "/node/state").body)


def wait(node: InProcessNode) -> None:
    """Advance the clock by a second: time for two signatures and what follows."""
    for _ in range(10):
        node.advance(100)


def status(node: InProcessNode) -> object:
    network = json.loads_object(node.request("GET", "/node/network").body)
    return network["service_status"]


def message(reply: Response) -> str:
    return str(json.loads_object(reply.body))
