"""Each version has its document, in Swagger and in OpenAPI, with types by name."""

import json
import re
from collections.abc import Iterator

import pytest
from openapi_spec_validator import validate

from ccfpy.base.json import JsonObject
from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.definitions import (
    Constitution,
    EncryptedShareBody,
    JoinPoliciesBody,
    ProposalsPage,
    TcbVersionBody,
)
from ccfpy.gov.operations import ApiVersion
from ccfpy.gov.swagger import (
    ERROR_RESPONSE,
    definition_name,
    definitions,
    document,
    openapi3,
)
from tests.unit.gov.conftest import Governed, body
from tests.vectors.openapi.facts import facts, member


@pytest.mark.parametrize("version", ApiVersion)
def test_a_version_describes_exactly_what_it_serves(
    governed: Governed, version: ApiVersion
) -> None:
    described = body(governed.get("/api", f"api-version={version}"))
    validate(described)
    assert described["swagger"] == "2.0"
    assert described["info"] == {"title": "CCF Governance", "version": version}
    paths = described["paths"]
    assert isinstance(paths, dict)
    is_newest = version is ApiVersion.V1
    assert ("/gov/service/javascript-app" in paths) is is_newest
    assert "/gov/members/proposals:create" in paths
    served = {
        f"/gov{endpoint.path}"
        for endpoint in governed.frontend.registry
        if endpoint.operation.hidden
        and endpoint.path != "/local_tx"
        and not endpoint.path.startswith("/ccfpy/")  # CCF's document has no such paths
    }
    assert set(paths) <= served
    assert (set(paths) == served) is is_newest


def test_every_reference_of_a_document_leads_somewhere() -> None:
    described = document(ApiVersion.V1, OPERATIONS)
    assert isinstance(described, dict)
    text = json.dumps(described)
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/')[1:]}
    assert references
    for reference in references:
        kind, _, name = reference.partition("/")
        assert name in described[kind], reference  # type: ignore[operator]  # objects


def test_signed_operations_take_cose_and_reads_give_source(governed: Governed) -> None:
    paths = body(governed.get("/api"))["paths"]
    assert isinstance(paths, dict)
    create = paths["/gov/members/proposals:create"]["post"]
    assert create["operationId"] == "Proposals_Create"
    assert create["consumes"] == ["application/cose"]
    ack = paths["/gov/members/state-digests/{memberId}:ack"]["post"]
    assert "204" in ack["responses"]
    constitution = paths["/gov/service/constitution"]["get"]
    assert constitution["produces"][0] == "text/javascript"
    assert constitution["description"] == "Return the constitution's source."


def test_without_version_the_classic_document_is_given(governed: Governed) -> None:
    described = body(governed.get("/api", ""))
    validate(described)
    assert described["openapi"] == "3.0.0"
    paths = described["paths"]
    assert isinstance(paths, dict)
    common = {path for path in paths if "deprecated" not in str(paths[path])}
    assert common == {"/gov/api", "/gov/commit", "/gov/receipt", "/gov/tx"}
    assert "/gov/proposals/{proposal_id}/ballots" in paths
    assert not any(path.startswith("/gov/service/") for path in paths)


def test_an_unknown_version_has_no_document(governed: Governed) -> None:
    reply = governed.get("/api", "api-version=1")
    assert reply.status == 400
    assert json.loads(reply.body)["error"]["code"] == "UnsupportedApiVersionValue"


@pytest.mark.parametrize("version", ApiVersion)
def test_a_document_asks_for_its_own_version(
    governed: Governed, version: ApiVersion
) -> None:
    described = body(governed.get("/api", f"api-version={version}"))
    parameters = described["parameters"]
    assert isinstance(parameters, dict)
    asked = parameters["Azure.Core.Foundations.ApiVersionParameter"]
    assert isinstance(asked, dict)
    assert asked["enum"] == [version]


def test_no_document_lets_a_request_name_transaction_0_0(governed: Governed) -> None:
    paths = body(governed.get("/api"))["paths"]
    assert isinstance(paths, dict)
    read = paths["/gov/service/transactions/{transactionId}"]["get"]
    pattern = next(each["pattern"] for each in read["parameters"] if "name" in each)
    assert re.fullmatch(pattern, "0.0") is None
    assert re.fullmatch(pattern, "2.10") is not None


@pytest.mark.parametrize(
    ("path", "verb"),
    [
        (f"/members/proposals/{'a' * 64}:withdraw", "POST"),
        (f"/members/state-digests/{'a' * 64}:ack", "POST"),
    ],
)
def test_a_path_has_the_verbs_of_its_operation_alone(
    governed: Governed, path: str, verb: str
) -> None:
    """The template of proposals would take ``{id}:withdraw`` for an id."""
    assert governed.frontend.registry.methods_of(path) == [verb]


def test_a_withdrawal_of_what_is_not_there_is_described(governed: Governed) -> None:
    paths = body(governed.get("/api"))["paths"]
    assert isinstance(paths, dict)
    withdraw = paths["/gov/members/proposals/{proposalId}:withdraw"]["post"]
    assert set(withdraw["responses"]) == {"200", "204", "default"}


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


def test_text_bytes_and_lists_are_written_out() -> None:
    found = definitions([EncryptedShareBody, ProposalsPage])
    assert found["Recovery.EncryptedRecoveryShare"] == {
        "type": "object",
        "properties": {
            "memberId": {"$ref": "#/definitions/memberId"},
            "encryptedShare": {"type": "string", "format": "byte"},
        },
        "required": ["memberId", "encryptedShare"],
    }
    assert found["PagedProposal"] == {
        "type": "object",
        "properties": {
            "value": {
                "type": "array",
                "items": {"$ref": "#/definitions/Proposals.Proposal"},
            },
            "nextLink": {"type": "string", "format": "uri"},
        },
        "required": ["value"],
    }
    assert not any("_" in name for name in found)


def test_objects_by_name_refer_to_what_has_a_name() -> None:
    found = definitions([JoinPoliciesBody])
    policy = found["ServiceState.SnpJoinPolicy"]
    assert isinstance(policy, dict)
    assert policy["properties"] == {
        "measurements": {"type": "array", "items": {"type": "string"}},
        "hostData": {"type": "object", "additionalProperties": {"type": "string"}},
        "uvmEndorsements": {
            "type": "object",
            "additionalProperties": {
                "$ref": "#/definitions/ServiceState.UvmEndorsementFeeds"
            },
        },
        "tcbVersions": {
            "type": "object",
            "additionalProperties": {"$ref": "#/definitions/ServiceState.TcbVersion"},
        },
    }


def test_a_plain_integer_has_no_bounds() -> None:
    version = definitions([TcbVersionBody])["ServiceState.TcbVersion"]
    assert isinstance(version, dict)
    assert "required" not in version
    properties = version["properties"]
    assert isinstance(properties, dict)
    assert properties["tee"] == {"type": "integer"}


def test_errors_are_always_defined() -> None:
    assert ERROR_RESPONSE in definitions([])


def test_text_can_have_a_name() -> None:
    name = definition_name(Constitution)
    assert definitions([Constitution])[name] == {"type": "string"}
