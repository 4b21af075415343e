"""Whatever others say of an operation, the document stays valid.

A public validator judges: of values that look like OpenAPI and are not, of legitimate
ones, which stay as they are, and of each rule the edge.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from ccfpy.base import json, limits
from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.declaration import Endpoint, Operation
from ccfpy.endpoints.openapi import document
from ccfpy.endpoints.openapi_sanitising import Names, operation
from ccfpy.endpoints.registry import Registry
from ccfpy.http.messages import Response
from tests.fuzz.rounds import rounds

WORDS = """
    $ref additionalProperties allOf anyOf array callbacks content cookie default
    deprecated description discriminator enum example examples explode externalDocs
    format get header headers id in integer items links maximum minLength multipleOf
    name not nullable object oneOf operationId parameters path pattern properties query
    readOnly requestBody required responses schema security servers string style summary
    tags title type uniqueItems url value x-anything xml 200 2XX application/json jwt
    #/components/schemas/CCFError #/components/responses/default #/nowhere
    https://example.com/schema.json GetAppCommit
""".split()  # noqa: SIM905 - read as a text
INTEGERS = st.integers(-(2**63), 2**64 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | INTEGERS | FINITE
TEXT = st.sampled_from(WORDS) | st.text(max_size=5)
ANY_JSON = st.recursive(
    PLAIN | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=6)
    ),
    max_leaves=30,
)
SCHEMA: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        ANY_JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["array", "object", "string", "integer"])
                | TEXT,
                "required": ANY_JSON,
                "properties": st.dictionaries(TEXT, SCHEMA, max_size=3),
                "items": SCHEMA,
                "allOf": st.lists(SCHEMA, max_size=2),
                "enum": st.lists(ANY_JSON, max_size=3),
                "default": ANY_JSON,
                "pattern": st.sampled_from(["(", "^a$", "[[:x"]),
                "$ref": TEXT,
            },
        )
    )
)
PARAMETER = st.fixed_dictionaries(
    {"name": st.sampled_from(["id", "other", ""]) | ANY_JSON},
    optional={
        "in": st.sampled_from(["path", "query", "header", "cookie"]) | ANY_JSON,
        "schema": SCHEMA,
        "content": ANY_JSON,
        "style": TEXT,
        "required": st.booleans() | ANY_JSON,
        "example": ANY_JSON,
        "examples": ANY_JSON,
    },
)
CONTENT = st.dictionaries(
    TEXT, st.fixed_dictionaries({"schema": SCHEMA, "example": ANY_JSON}), max_size=2
)
RESPONSE = ANY_JSON | st.fixed_dictionaries(
    {}, optional={"description": TEXT, "content": CONTENT, "headers": ANY_JSON}
)
OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.lists(PARAMETER, max_size=4) | ANY_JSON,
        "requestBody": st.fixed_dictionaries({"content": CONTENT}) | ANY_JSON,
        "responses": st.dictionaries(TEXT, RESPONSE, max_size=3) | ANY_JSON,
        "operationId": TEXT | ANY_JSON,
        "security": st.lists(st.dictionaries(TEXT, ANY_JSON, max_size=2)) | ANY_JSON,
        "servers": ANY_JSON,
        "callbacks": ANY_JSON,
        "x-ccf-forwarding": ANY_JSON,
    },
)


def _endpoint(method: str, path: str, said: Json) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        handler=lambda _: Response(status=200),
        auth=(POLICIES["jwt"],),
        operation=Operation(metadata=said),
    )


def _document(*endpoints: Endpoint) -> JsonObject:
    registry = Registry("app", title="T", description="D", version="1")
    for endpoint in endpoints:
        registry.add(endpoint)
    return json.loads_object(json.dumps(document(registry)))


@pytest.mark.slow
@rounds(share=2)
@given(said=OPERATION | ANY_JSON, other=OPERATION)
def test_the_document_is_valid_whatever_is_said(said: Json, other: Json) -> None:
    described = _document(
        _endpoint("POST", "/a/{id}", said),
        _endpoint("GET", "/a/{id}", said),
        _endpoint("GET", "/commit", other),
    )
    validate(described)
    json.dumps(described)


LEGITIMATE: JsonObject = {
    "summary": "Keep a note",
    "tags": ["notes"],
    "operationId": "keepNote",
    "parameters": [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "style": "simple",
            "schema": {"type": "integer", "format": "int64", "minimum": 0},
        },
        {"name": "q", "in": "query", "schema": {"type": "string", "default": "a"}},
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {
                        "text": {"type": "string", "pattern": "^[a-z]+$"},
                        "type": {"enum": ["a", {"b": None}]},
                        "parts": {
                            "type": "array",
                            "items": {
                                "oneOf": [{"type": "string"}, {"nullable": True}]
                            },
                        },
                    },
                    "additionalProperties": False,
                },
                "example": {"text": "a"},
            }
        },
    },
    "responses": {
        "200": {
            "description": "Kept",
            "headers": {"etag": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": {"type": "boolean"}}},
        },
        "4XX": {"$ref": "#/components/responses/default"},
        "default": {
            "description": "An error",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/CCFError"}
                }
            },
        },
    },
    "security": [{"jwt": []}, {}],
    "deprecated": True,
    "x-mine": {"$ref": "anything"},
}
NAMES = Names(frozenset({"CCFError"}), frozenset({"jwt"}), in_path=frozenset({"id"}))


def test_what_is_valid_stays_as_it_is() -> None:
    assert operation(LEGITIMATE, NAMES) == LEGITIMATE
    described = _document(_endpoint("PUT", "/notes/{id}", LEGITIMATE))
    validate(described)
    put = described["paths"]["/app/notes/{id}"]["put"]  # type: ignore[index,call-overload]  # objects
    assert put == {
        **LEGITIMATE,
        "x-ccf-forwarding": {"$ref": "#/components/x-ccf-forwarding/always"},
        "x-ccfpy-policies": ["jwt"],
    }


def test_what_is_not_said_is_said_by_the_endpoint() -> None:
    described = _document(_endpoint("PUT", "/notes/{id}", {}))
    validate(described)
    put = described["paths"]["/app/notes/{id}"]["put"]  # type: ignore[index,call-overload]  # objects
    assert put["operationId"] == "PutAppNotesId"  # type: ignore[index,call-overload]  # an object
    assert put["security"] == [{"jwt": []}]  # type: ignore[index,call-overload]  # an object
    assert set(put["responses"]) == {"200", "default"}  # type: ignore[index,call-overload,arg-type]  # an object


def _response(**fields: Json) -> JsonObject:
    return {"responses": {"200": {"description": "d", **fields}}}


def _schema(**fields: Json) -> JsonObject:
    return {"requestBody": {"content": {"application/json": {"schema": {**fields}}}}}


@pytest.mark.parametrize(
    ("said", "remains"),
    [
        ([], {}),
        ("summary", {}),
        ({"summary": 3, "description": "d"}, {"description": "d"}),
        ({"unknown": 1, "callbacks": {}, "x-known": 1}, {"x-known": 1}),
        ({"responses": {}}, {}),
        ({"responses": {"2000": {"description": "d"}, "x": 1}}, {}),
        ({"responses": {"200": {}}}, {}),
        ({"responses": {"200": {"$ref": "#/components/responses/other"}}}, {}),
        (_response(links={"a": {}}), _response()),
        (_response(headers={"a": {}, "b": 1}), _response(headers={})),
        ({"requestBody": {"content": {}}}, {}),
        (
            {"security": [{"user": []}, {"jwt": ["a", 1]}]},
            {"security": [{"jwt": ["a"]}]},
        ),
        ({"servers": [{}, {"url": "/"}]}, {"servers": [{"url": "/"}]}),
        ({"parameters": [{"name": "a", "in": "query"}]}, {"parameters": []}),
        (
            {"parameters": [{"name": "no", "in": "path", "schema": {}}]},
            {"parameters": []},
        ),
        (
            {
                "parameters": [
                    {"name": "id", "in": "path", "schema": {}, "style": "form"}
                ]
            },
            {
                "parameters": [
                    {"name": "id", "in": "path", "schema": {}, "required": True}
                ]
            },
        ),
        (
            {"parameters": [{"name": "a", "in": "query", "schema": {}}] * 2},
            {"parameters": [{"name": "a", "in": "query", "schema": {}}]},
        ),
        (_schema(type="text"), _schema()),
        (_schema(type=["string"]), _schema()),
        (_schema(enum=[]), _schema()),
        (
            _schema(enum=[None, 1, None, {"a": [1]}, {"a": [1]}]),
            _schema(enum=[None, 1, {"a": [1]}]),
        ),
        (_schema(maximum=True, minLength=-1, multipleOf=0), _schema()),
        (_schema(minLength=0, multipleOf=0.5), _schema(minLength=0, multipleOf=0.5)),
        (_schema(required=[]), _schema()),
        (_schema(required=["a", "a", 1]), _schema(required=["a"])),
        (_schema(allOf=[{}], required=["a"]), _schema(allOf=[{}])),
        (_schema(pattern="("), _schema()),
        (_schema(pattern="[[a]"), _schema()),
        (_schema(pattern="a{99999999999}"), _schema()),
        (_schema(pattern="a" * limits.OPENAPI_PATTERN_CHARS_MAX + "a"), _schema()),
        (_schema(items=[{}]), _schema()),
        (_schema(additionalProperties=1), _schema()),
        (_schema(discriminator={"mapping": {}}), _schema()),
        (_schema(type="string", default=1), _schema(type="string")),
        (_schema(type="integer", default=True), _schema(type="integer")),
        (
            _schema(type="string", default="a", minLength=2),
            _schema(type="string", minLength=2),
        ),
        (
            _schema(properties={"a": {"$ref": "http://example.com/"}, "b": {}}),
            _schema(properties={"b": {}}),
        ),
        (
            _schema(items={"$ref": "#/components/schemas/Other"}),
            _schema(),
        ),
    ],
)
def test_what_does_not_fit_is_left_out(said: Json, remains: JsonObject) -> None:
    assert operation(said, NAMES) == remains


def test_an_example_excludes_examples() -> None:
    media: JsonObject = {"example": 1, "examples": {"a": {"value": 1}}}
    said: JsonObject = {"requestBody": {"content": {"a/b": media}}}
    content = operation(said, NAMES)["requestBody"]
    assert content == {"content": {"a/b": {"example": 1}}}


def test_the_longest_pattern_is_kept() -> None:
    longest = _schema(pattern="a" * limits.OPENAPI_PATTERN_CHARS_MAX)
    assert operation(longest, NAMES) == longest


def test_depth_has_an_end() -> None:
    def nested(levels: int) -> Json:
        value: Json = 1
        for _ in range(levels):
            value = [value]
        return value

    most = limits.OPENAPI_DEPTH_MAX - 2
    kept: JsonObject = {"x-deep": nested(most)}
    assert operation(kept, NAMES) == kept
    assert operation({"x-deep": nested(most + 1)}, NAMES) == {}
    schema: JsonObject = {}
    for _ in range(10_000):
        schema = {"items": schema}
    operation(_schema(**schema), NAMES)


def test_operations_of_one_name_are_numbered() -> None:
    described = _document(
        _endpoint("GET", "/a", {"operationId": "same"}),
        _endpoint("GET", "/b", {"operationId": "same"}),
        _endpoint("GET", "/c-d", {}),
        _endpoint("GET", "/c/d", {}),
    )
    validate(described)
    paths = described["paths"]
    assert isinstance(paths, dict)
    ids = [item["get"]["operationId"] for item in paths.values()]  # type: ignore[index,call-overload]  # objects
    assert ids == ["same", "same_2", "GetAppCD", "GetAppCD_2"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("CONNECT", "/a"),
        ("COPY", "/a"),
        ("GET", "/a}"),
        ("GET", "/{a!r}"),
        ("GET", "/{}"),
    ],
)
def test_what_openapi_has_no_form_for_is_not_described(method: str, path: str) -> None:
    described = _document(_endpoint(method, path, {}))
    validate(described)
    assert described["paths"] == {}
