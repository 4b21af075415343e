"""``/node/state`` and readiness."""

import pytest

from ccfpy.base import json
from ccfpy.testing.node import InProcessNode
from tests.unit.node.api.test_network import ask, node_id


def test_state_tells_how_far_the_node_has_come(node: InProcessNode) -> None:
    node.advance(1000)
    state = ask(node, "/node/state")
    assert state == {
        "node_id": node_id(node),
        "state": "PartOfNetwork",
        "last_signed_seqno": node.host.commit,
        "startup_seqno": 0,
        "stop_notice": False,
    }


def test_an_open_service_is_ready(node: InProcessNode) -> None:
    assert node.request("GET", "/node/ready/app").status == 204
    assert node.request("GET", "/node/ready/gov").status == 204


def test_there_is_nothing_to_count_yet(node: InProcessNode) -> None:
    answer = node.request("GET", "/node/jwt_keys/refresh/metrics")
    assert json.loads(answer.body) == {"attempts": 0, "failures": 0, "successes": 0}


@pytest.mark.parametrize("frontend", ["app", "gov"])
def test_what_is_not_ready_says_so_as_errors_do(
    node: InProcessNode, frontend: str
) -> None:
    running = node.trusted.running
    assert running is not None
    running.frontends[frontend].is_open = False
    answer = node.request("GET", f"/node/ready/{frontend}")
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/json"
    error = json.loads_object(answer.body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "NodeCannotHandleRequest"
