"""Both forms of a version's document state the same."""

import json
from collections.abc import Iterator

import pytest
from openapi_spec_validator import validate

from ccfpy.base.json import JsonObject
from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.openapi3 import openapi3
from ccfpy.gov.swagger import document
from ccfpy.gov.versions import ApiVersion
from tests.unit.gov.conftest import Governed, body
from tests.vectors.openapi.facts import facts, member

COSE = "parameter=CoseSignature.body"
JSON = "application/json"


def _converted(line: str) -> str:
    """Write a fact of Swagger as OpenAPI 3 states it."""
    words = line.split(" ")
    gives = [word.removeprefix("gives=") for word in words if word[:6] == "gives="]
    takes = [word.removeprefix("takes=") for word in words if word[:6] == "takes="]
    return " ".join(sorted(_words(words, gives or [JSON], takes)))


def _words(words: list[str], gives: list[str], takes: list[str]) -> Iterator[str]:
    for word in words:
        status, _, stated = word.partition("=")
        if word == COSE:
            yield f"body={takes[0]}:string,format=binary"
        elif status == "default":
            yield f"default={JSON}:{stated}"
        elif status.isdigit() and not stated.startswith("nothing"):
            yield from (f"{status}={kind}:{stated}" for kind in gives)
        elif status not in ("gives", "takes"):
            yield word


def _sorted(line: str) -> str:
    return " ".join(sorted(line.split(" ")))


def _operations(described: JsonObject) -> list[str]:
    return [line for line in facts(described) if " id=" in line]


def _schemas(described: JsonObject) -> list[str]:
    return [line for line in facts(described) if line.startswith("schema ")]


@pytest.mark.parametrize("version", ApiVersion)
def test_each_operation_and_schema_is_the_same_in_both_forms(
    version: ApiVersion,
) -> None:
    swagger = document(version, OPERATIONS)
    converted = openapi3(swagger)
    wanted = sorted(map(_converted, _operations(swagger)))
    assert sorted(map(_sorted, _operations(converted))) == wanted
    assert any("body=application/cose" in line for line in wanted)
    assert any("+x-ms-ccf-transaction-id" in line for line in wanted)
    assert _schemas(converted) == _schemas(swagger)
    assert "#/definitions" not in json.dumps(converted)


@pytest.mark.parametrize("version", ApiVersion)
def test_a_version_is_served_in_openapi_3_where_asked(
    governed: Governed, version: ApiVersion
) -> None:
    reply = governed.get("/api", f"api-version={version}&format=openapi3")
    described = json.loads(reply.body)
    validate(described)
    assert described["openapi"] == "3.0.0"
    (parameter,) = member(described, "components", "parameters").values()
    wanted = {"type": "string", "minLength": 1, "enum": [str(version)]}
    assert member(parameter, "schema") == wanted


def test_the_form_is_swagger_unless_openapi_3_is_asked_for(governed: Governed) -> None:
    plain = governed.get("/api", f"api-version={ApiVersion.V1}")
    named = governed.get("/api", f"api-version={ApiVersion.V1}&format=swagger")
    assert plain.body == named.body
    assert body(plain)["swagger"] == "2.0"


def test_an_unknown_form_is_refused(governed: Governed) -> None:
    reply = governed.get("/api", f"api-version={ApiVersion.V1}&format=raml")
    assert (reply.status, json.loads(reply.body)["error"]) == (
        400,
        {
            "code": "InvalidQueryParameterValue",
            "message": "Unknown format 'raml'. The formats are: swagger, openapi3",
        },
    )
