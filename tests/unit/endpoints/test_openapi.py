"""A registry's document is valid to a public validator, and says what endpoints say."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.auth import POLICIES, AllOf, AuthPolicy, Jwt, UserCert
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Operation
from ccfpy.endpoints.openapi import (
    KeptDocument,
    document,
    narrowed,
    operation_id,
    tx_id_parameter,
)
from ccfpy.endpoints.registry import Registry
from ccfpy.http.messages import Response

NOTE = Endpoint(
    method="POST",
    path="/notes/{note}:keep",
    handler=lambda _: Response(status=200),
    forwarding=Forwarding.SOMETIMES,
    auth=tuple(POLICIES.values()),
    operation=Operation(
        summary="Keep a note",
        description="For good.",
        parameters=(
            {
                "in": "query",
                "name": "q",
                "required": False,
                "schema": {"type": "string"},
            },
        ),
        request_schema={"$ref": "#/components/schemas/Note"},
        response_schema={"type": "string"},
        response_content_type="text/plain",
        success_status=201,
        deprecated=True,
        components={"Note": {"type": "object"}},
    ),
)


def _document(*endpoints: Endpoint) -> JsonObject:
    registry = Registry("app", title="T", description="D", version="1.2.3")
    for endpoint in endpoints:
        registry.add(endpoint)
    return document(registry)


def at(value: Json, *path: str) -> Json:
    for name in path:
        assert isinstance(value, dict)
        value = value[name]
    return value


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref":
                yield str(item)
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def check(described: JsonObject) -> None:
    """Assert what every OpenAPI 3.0 document upholds, and ours besides."""
    validate(described)
    assert described["openapi"] == "3.0.0"
    info = described["info"]
    assert isinstance(info, dict)
    assert set(info) == {"title", "description", "version"}
    for reference in _references(described):
        assert reference.startswith("#/")
        at(described, *reference[2:].split("/"))
    schemas = at(described, "components", "schemas")
    assert isinstance(schemas, dict)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in schemas)
    ids = []
    paths = described["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        assert isinstance(item, dict)
        parameters = item.get("parameters", [])
        assert isinstance(parameters, list)
        names = [at(parameter, "name") for parameter in parameters]
        assert names == re.findall(r"\{([^}]*)\}", path)
        for verb, operation in item.items():
            if verb == "parameters":
                continue
            assert verb in {"get", "put", "post", "delete", "options", "head", "patch"}
            assert isinstance(operation, dict)
            assert operation["responses"]
            ids.append(operation["operationId"])
            for requirement in operation.get("security", []):  # type: ignore[union-attr]  # a list, as checked by use
                assert isinstance(requirement, dict)
                for scheme in requirement:
                    at(described, "components", "securitySchemes", scheme)
    assert len(set(map(str, ids))) == len(ids)


def test_the_common_endpoints_make_a_valid_document() -> None:
    registry = Registry("node", title="T", description="D", version="1.2.3")
    add_common_endpoints(registry)
    described = document(registry)
    check(described)
    assert "securitySchemes" not in str(described)
    assert at(described, "paths", "/node/tx", "get", "operationId") == "GetNodeTx"
    assert described["info"] == {"title": "T", "description": "D", "version": "1.2.3"}


def test_a_document_is_kept_until_the_endpoints_change() -> None:
    registry = Registry("app", title="T", description="D", version="1.2.3")
    kept = KeptDocument(registry)
    assert json.loads(kept.body()) == document(registry)
    assert kept.body() is kept.body()
    for endpoint in (NOTE, replace(NOTE, operation=Operation(summary="Otherwise"))):
        registry.add(endpoint)
        assert json.loads(kept.body()) == document(registry)
        assert kept.body() is kept.body()


NAMES_ITS_TRANSACTION = {
    "x-ms-ccf-transaction-id": {"$ref": "#/components/headers/TransactionId"}
}


def test_an_operation_says_all_that_its_endpoint_knows() -> None:
    described = _document(NOTE)
    check(described)
    item = at(described, "paths", "/app/notes/{note}:keep")
    assert isinstance(item, dict)
    assert item["parameters"] == [
        {"in": "path", "name": "note", "required": True, "schema": {"type": "string"}}
    ]
    assert item["post"] == {
        "operationId": "PostAppNotesNoteKeep",
        "summary": "Keep a note",
        "description": "For good.",
        "deprecated": True,
        "parameters": [
            {
                "in": "query",
                "name": "q",
                "required": False,
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Note"}}
            },
            "description": "What the endpoint reads.",
            "required": True,
        },
        "responses": {
            "201": {
                "content": {"text/plain": {"schema": {"type": "string"}}},
                "description": "Done.",
                "headers": NAMES_ITS_TRANSACTION,
            },
            "default": {"$ref": "#/components/responses/default"},
        },
        "security": [
            {},
            {"jwt": []},
            {"user_cose_sign1": []},
            {"member_cose_sign1": []},
            {"member_cose_sign1": []},
        ],
        "x-ccf-forwarding": {"$ref": "#/components/x-ccf-forwarding/sometimes"},
        "x-ccfpy-policies": list(POLICIES),
    }
    schemes = at(described, "components", "securitySchemes")
    assert isinstance(schemes, dict)
    assert set(schemes) == {"jwt", "user_cose_sign1", "member_cose_sign1"}


def test_a_bare_endpoint_is_described_barely() -> None:
    bare = replace(NOTE, path="/bare", auth=(UserCert(),), operation=Operation())
    operation = at(_document(bare), "paths", "/app/bare", "post")
    assert isinstance(operation, dict)
    assert set(operation) == {
        "operationId",
        "responses",
        "x-ccf-forwarding",
        "x-ccfpy-policies",
    }
    assert at(operation, "responses", "200") == {
        "description": "Done.",
        "headers": NAMES_ITS_TRANSACTION,
    }


def test_only_what_has_a_transaction_names_one() -> None:
    command = replace(NOTE, path="/command", mode=Mode.COMMAND)
    path = ("paths", "/app/command", "post", "responses", "201")
    described = at(_document(command), *path)
    assert isinstance(described, dict)
    assert "headers" not in described


def test_hidden_endpoints_stay_hidden() -> None:
    hidden = replace(NOTE, operation=Operation(hidden=True))
    assert _document(hidden)["paths"] == {}


def test_one_name_means_one_schema() -> None:
    other = replace(
        NOTE,
        path="/other",
        operation=Operation(components={"Note": {"type": "string"}}),
    )
    with pytest.raises(ValueError, match="different things by 'Note'"):
        _document(NOTE, other)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/app/log/private/raw_text/{id}", "PostAppLogPrivateRawTextId"),
        ("GET", "/app/api", "GetAppApi"),
        ("DELETE", "/gov/members/{memberId}:act", "DeleteGovMembersMemberIdAct"),
    ],
)
def test_operations_are_named_as_ccf_names_them(
    method: str, path: str, expected: str
) -> None:
    assert operation_id(method, path) == expected


def _security(*auth: AuthPolicy) -> Json:
    endpoint = replace(NOTE, auth=auth)
    described = _document(endpoint)
    check(described)
    item = at(described, "paths", "/app/notes/{note}:keep", "post")
    assert isinstance(item, dict)
    return item.get("security")


def test_a_certificate_is_enough_where_a_token_would_be() -> None:
    """A client that read only ``jwt`` here would think that it needs a token."""
    assert _security(Jwt(), UserCert()) == [{"jwt": []}, {}]
    assert _security(UserCert(), Jwt(), AllOf([Jwt(), UserCert()])) == [
        {},
        {"jwt": []},
    ]
    assert _security(Jwt()) == [{"jwt": []}]
    assert _security(UserCert()) is None


def test_a_body_that_may_be_left_out_is_not_required() -> None:
    lazy = replace(NOTE.operation, is_body_required=False)
    body = at(
        _document(replace(NOTE, operation=lazy)),
        *("paths", "/app/notes/{note}:keep", "post", "requestBody"),
    )
    assert isinstance(body, dict)
    assert body["required"] is False


def test_answers_that_are_neither_success_nor_error_are_described() -> None:
    operation = replace(NOTE.operation, also={202: "text/plain", 304: None})
    described = _document(replace(NOTE, operation=operation))
    check(described)
    responses = at(described, "paths", "/app/notes/{note}:keep", "post", "responses")
    assert isinstance(responses, dict)
    assert list(responses) == ["201", "202", "304", "default"]
    assert at(responses, "202", "content") == {
        "text/plain": {"schema": {"type": "string"}}
    }
    assert "content" not in str(responses["304"])


def test_what_comes_of_an_endpoints_mode_stays_whatever_its_author_says() -> None:
    header = tx_id_parameter("header", "x-of-the-mode")
    written: JsonObject = {"in": "query", "name": "q", "schema": {"type": "integer"}}
    operation = Operation(
        parameters=(*NOTE.operation.parameters, header),
        also={202: "text/plain"},
        components=schema_of(TxId).components,
        metadata={
            "parameters": [written],
            "responses": {"204": {"description": "Nothing."}},
        },
    )
    described = _document(replace(NOTE, operation=operation))
    check(described)
    item = at(described, "paths", "/app/notes/{note}:keep", "post")
    assert isinstance(item, dict)
    assert item["parameters"] == [written, header]
    assert list(_object(item["responses"])) == ["202", "204"]


@given(
    st.from_regex(r"[0-9]{1,20}\.[0-9]{1,20}", fullmatch=True)
    | st.builds("{}.{}".format, st.integers(0, 2**70), st.integers(0, 2**70))
)
def test_a_parameter_takes_exactly_the_ids_that_a_node_reads(text: str) -> None:
    """CCF's own pattern, which answers keep, has ``0.0`` and ``00.1``."""
    schema = tx_id_parameter("query", "transaction_id")["schema"]
    rooted = {**_object(schema), "components": {"schemas": schema_of(TxId).components}}
    try:
        TxId.parse(text)
    except Malformed:
        assert not OAS30Validator(rooted).is_valid(text)
    else:
        assert OAS30Validator(rooted).is_valid(text)


def test_a_narrowed_schema_is_still_of_its_name() -> None:
    assert narrowed("uint64", minimum=1) == {
        "allOf": [{"$ref": "#/components/schemas/uint64"}],
        "minimum": 1,
    }


def _object(value: Json) -> JsonObject:
    assert isinstance(value, dict)
    return value
