"""``/node``: the service, its nodes, evidence, health and counters."""

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.testing.node import InProcessNode


def ask(node: InProcessNode, path: str) -> JsonObject:
    answer = node.request("GET", path)
    assert answer.status == 200, answer.body
    return json.loads_object(answer.body)


def node_id(node: InProcessNode) -> str:
    assert node.host.identity is not None
    return str(node.host.identity.node_id)


def test_the_service_is_described(node: InProcessNode) -> None:
    assert ask(node, "/node/network") == {
        "service_status": "Open",
        "service_certificate": node.service_certificate,
        "recovery_count": 0,
        "service_data": None,
        "current_view": 2,
        "primary_id": node_id(node),
        "current_service_create_txid": "2.1",
    }


def test_a_fresh_service_has_no_predecessor(node: InProcessNode) -> None:
    answer = node.request("GET", "/node/service/previous_identity")
    assert answer.status == 404
    assert b"not a recovery" in answer.body


def test_configuration_and_consensus(node: InProcessNode) -> None:
    assert ask(node, "/node/service/configuration") == {"recovery_threshold": 1}
    assert ask(node, "/node/config") == {node_id(node): {"address": "127.0.0.1:8001"}}
    details = ask(node, "/node/consensus")["details"]
    assert isinstance(details, dict)
    assert details["leadership_state"] == "Leader"
    assert details["current_view"] == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/node/primary", 200),
        ("HEAD", "/node/primary", 200),
        ("GET", "/node/backup", 404),
        ("POST", "/node/create", 403),
        ("PATCH", "/node/state", 405),
        ("OPTIONS", "/node/state", 204),
    ],
)
def test_roles_and_refusals(
    node: InProcessNode, method: str, path: str, status: int
) -> None:
    answer = node.connect().send(f"{method} {path} HTTP/1.1\r\n\r\n".encode())[0]
    assert answer.status == status
