"""JavaScript that an application in Python runs on its node."""

import pytest

from apps.hello.app import app
from ccfpy.base import json
from ccfpy.endpoints.scripting import ScriptFailed
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.conftest import CONSTITUTION


@pytest.fixture(scope="module")
def py_node() -> InProcessNode:
    member = Person.make("member0", can_recover=True)
    return InProcessNode(app, constitution=CONSTITUTION, members=[member])


POLICY = """
import { limit } from "./limit.js";
export const check = (given, bytes) => {
  if (given.fails) throw new Error("not today");
  while (given.loops) {}
  console.log("checked");
  return given.size <= limit ? bytes.byteLength : undefined;
};
"""
MODULES = {"/policy.js": POLICY, "/limit.js": "export const limit = 5;"}


def call(node: InProcessNode, given: json.Json, function: str = "check") -> json.Json:
    running = node.trusted.running
    assert running is not None
    return running.scripts.call(MODULES, function, [given, b"abc"])


def test_a_python_application_calls_a_script(py_node: InProcessNode) -> None:
    assert call(py_node, {"size": 5}) == 3
    assert call(py_node, {"size": 6}) is None
    py_node.advance(1)
    assert "checked" in [line.message for line in py_node.host.logs]


@pytest.mark.parametrize(
    ("given", "function", "reason", "has_begun"),
    [
        ({"fails": True}, "check", "Error: not today", True),
        ({"loops": True}, "check", "too long", True),
        ({}, "absent", "absent", False),
    ],
)
def test_a_script_that_fails_says_why(
    py_node: InProcessNode,
    given: json.Json,
    function: str,
    reason: str,
    has_begun: bool,
) -> None:
    with pytest.raises(ScriptFailed, match=reason) as failed:
        call(py_node, given, function)
    assert failed.value.has_begun is has_begun
