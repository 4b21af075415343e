"""The node answers what the types say, and a public validator judges both."""

from collections.abc import Iterator

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import validate

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.node.api.answers import StateAnswer
from ccfpy.testing.node import InProcessNode
from tests.unit.node.api.test_network import ask, node_id


def _at(value: Json, *path: str) -> Json:
    for name in path:
        assert isinstance(value, dict)
        value = value[name]
    return value


def _answers(described: JsonObject) -> Iterator[tuple[str, int, Json]]:
    """Return each path that can be read, the status of its answer and its schema."""
    paths = described["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        assert isinstance(item, dict)
        if "get" in item:
            responses = _at(item, "get", "responses")
            assert isinstance(responses, dict)
            (status,) = responses.keys() - {"default", "202"}
            response = responses[status]
            assert isinstance(response, dict)
            content = response.get("content")
            kind = None if content is None else _at(content, "application/json")
            yield path, int(status), None if kind is None else _at(kind, "schema")


def _check(value: Json, schema: Json, described: JsonObject) -> None:
    rooted = {"allOf": [schema], "components": described["components"]}
    OAS30Validator(rooted, format_checker=oas30_format_checker).validate(value)


@pytest.mark.slow
def test_a_public_validator_finds_nothing_in_the_document(node: InProcessNode) -> None:
    validate(ask(node, "/node/api"))


@pytest.mark.newest
def test_every_answer_fits_its_schema(node: InProcessNode) -> None:
    node.advance(1000)
    described = ask(node, "/node/api")
    nothing_there = {"/node/service/previous_identity", "/node/backup"}
    last = f"2.{node.host.commit}"
    queries = {"/node/tx": f"transaction_id={last}"}
    queries["/node/receipt"] = queries["/node/tx"]
    error = _at(described, "components", "schemas", "CCFError")
    asked = 0
    for path, status, schema in _answers(described):
        url = path.replace("{node_id}", node_id(node))
        reply = node.request("GET", f"{url}?{queries.get(path, '')}")
        if path in nothing_there:
            assert reply.status == 404, path
            _check(json.loads(reply.body), error, described)
            continue
        assert reply.status == status, (path, reply)
        if schema is None:
            assert reply.body == b"", path
        else:
            _check(json.loads(reply.body), schema, described)
            asked += 1
    assert asked > 20


def test_a_schema_refuses_what_is_no_such_answer(node: InProcessNode) -> None:
    described = ask(node, "/node/api")
    state = ask(node, "/node/state")
    schema = schema_of(StateAnswer).schema
    _check(state, schema, described)
    for wrong in ({**state, "startup_seqno": -1}, {**state, "state": "Gone"}, {}):
        with pytest.raises(Exception, match=r"not one of|minimum|required"):
            _check(wrong, schema, described)
