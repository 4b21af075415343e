"""A client of a node in the test's own thread."""

import pytest

from ccfpy.app import App
from ccfpy.boundary.events import SessionData
from ccfpy.testing.node import InProcessNode, Person

app = App("nothing")


@pytest.fixture
def node() -> InProcessNode:
    members = [Person.make("member0", can_recover=True)]
    return InProcessNode(app, constitution="", members=members)


def test_a_connection_is_there_until_its_client_goes(node: InProcessNode) -> None:
    client = node.connect()
    for _ in range(3):
        assert client.request("GET", "/node/version").status == 200
    assert not client.is_closed
    client.close()
    assert client.receive() == []


def test_bytes_may_be_carried_by_hand(node: InProcessNode) -> None:
    client = node.connect()
    client.request("GET", "/node/version")
    sent = client.encrypt(b"GET /node/version HTTP/1.1\r\n\r\n")
    assert b"version" not in sent
    node.step(SessionData(session=client.session, data=sent))
    answer = client.decrypt(bytes(node.host.sent[client.session]))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_is_not_http_ends_the_connection(node: InProcessNode) -> None:
    client = node.connect()
    (answer,) = client.send(b"NOT HTTP\r\n\r\n")
    assert answer.status == 400
    assert client.is_closed


def test_bytes_of_any_protocol_are_exchanged(node: InProcessNode) -> None:
    client = node.connect()
    assert client.converse() == b""
    answer = client.converse(b"GET /node/version HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert client.end() == b""
    assert client.is_closed
