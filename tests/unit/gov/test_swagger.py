"""Each version has its document; without one, the common document is given."""

import json
import re

import pytest
from openapi_spec_validator import validate

from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.swagger import document
from ccfpy.gov.versions import ApiVersion
from tests.unit.gov.conftest import Governed, body


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
