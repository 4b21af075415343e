"""A service of one node with a small app, made of the classes that ship."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.endpoints.application import Job
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Redirection,
)
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.messages import Response
from ccfpy.kv.maps import STRING, Map
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person

CONSTITUTION = "\n".join(
    (Path(__file__).parents[3] / "governance/constitutions/default" / name).read_text()
    for name in ("actions.js", "validate.js", "resolve.js", "apply.js")
)
NOTES = Map("notes", STRING, STRING)
PUBLIC_NOTES = Map("public:notes", STRING, STRING)


class NotesApp:
    """Keeps texts by name: private ones, and public ones with a claim."""

    name = "notes"
    body_bytes_max = HTTP_BODY_BYTES_MAX

    def registry(self) -> Registry:
        registry = Registry("app", title="Notes", description="Texts", version="1.0.0")
        add_common_endpoints(registry)
        for path, notes in (("/notes", NOTES), ("/public", PUBLIC_NOTES)):
            registry.add(Endpoint(method="PUT", path=path, handler=_put(notes)))
            registry.add(
                Endpoint(
                    method="GET",
                    path=path,
                    handler=_get(notes),
                    mode=Mode.READ_ONLY,
                    forwarding=Forwarding.SOMETIMES,
                    redirection=Redirection.NONE,
                )
            )
        registry.add(Endpoint(method="PUT", path="/broken", handler=_broken))
        return registry

    def indexes(self) -> Sequence[Index[Any]]:
        return ()

    def jobs(self) -> Sequence[Job]:
        return ()

    def protocols(self) -> Mapping[str, Endpoint]:
        return {}

    def create_claims(self, constitution: str) -> bytes | None:
        return None if not constitution else b"\x07" * 32


def _put(notes: Map[str, str]) -> Handler:
    def handler(context: Context) -> Response:
        body = context.body_json()
        assert isinstance(body, dict)
        for name, text in body.items():
            notes.of(context.tx).put(name, str(text))
        if context.query.get("claim") is not None:
            context.claims_digest = bytes.fromhex(context.query.text("claim"))
        return json_reply(value=True)

    return handler


def _get(notes: Map[str, str]) -> Handler:
    def handler(context: Context) -> Response:
        return json_reply(notes.of(context.tx).get(context.query.text("name")))

    return handler


def _broken(context: Context) -> Response:
    NOTES.of(context.tx).put("half", "done")
    raise RuntimeError("a secret that must not be logged")


@pytest.fixture(scope="session")
def members() -> tuple[Person, ...]:
    return tuple(Person.make(f"member{i}", can_recover=True) for i in range(3))


@pytest.fixture(scope="session")
def alice() -> Person:
    return Person.make("alice")


@pytest.fixture
def make_node(members: tuple[Person, ...]) -> Callable[[], InProcessNode]:
    """Makes nodes that are all alike, whose services are not open yet."""

    def make() -> InProcessNode:
        return InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)

    return make


@pytest.fixture
def new_node(make_node: Callable[[], InProcessNode]) -> InProcessNode:
    """A node whose service is not open yet."""
    return make_node()


@pytest.fixture
def node(new_node: InProcessNode, alice: Person) -> InProcessNode:
    """A node of an open service with one user."""
    new_node.open_service(alice)
    return new_node


@pytest.fixture
def new_network(members: tuple[Person, ...]) -> Network:
    """A service that is not open yet, of one node."""
    network = Network(NotesApp(), constitution=CONSTITUTION, members=members)
    network.start()
    network.advance(200)
    return network


@pytest.fixture
def network(new_network: Network, alice: Person) -> Network:
    """An open service of one node, with one user."""
    new_network.nodes[0].open_service(alice)
    return new_network
