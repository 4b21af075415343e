"""Definitions describe the answers that the endpoints really give."""

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.swagger import definition_name, definitions
from tests.unit.gov.conftest import NODE_ID, Governed, body

READS = [each for each in OPERATIONS if each.policy is None]
DEFINITIONS = definitions(each.returns for each in READS)


def test_every_operation_returns_something_defined() -> None:
    for operation in OPERATIONS:
        if operation.returns is not None:
            name = definition_name(operation.returns)
            assert name in DEFINITIONS or name == "Recovery.RecoveryResponse"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/service/info", "ServiceState.ServiceInfo"),
        (f"/service/nodes/{NODE_ID}", "ServiceState.Node"),
        ("/service/join-policy", "ServiceState.JoinPolicies"),
        ("/service/jwk", "ServiceState.JwkInfo"),
        ("/service/members", "PagedMember"),
        ("/service/users", "PagedUser"),
        ("/service/javascript-app", "ServiceState.JsApp"),
        ("/service/transactions/commit", "Transactions.CommittedTransaction"),
    ],
)
def test_an_answer_fits_its_definition(
    governed: Governed, path: str, name: str
) -> None:
    answer = body(governed.get(path))
    rooted = {"$ref": f"#/definitions/{name}", "definitions": {**DEFINITIONS}}
    OAS30Validator(rooted, format_checker=oas30_format_checker).validate(answer)
    definition = DEFINITIONS[name]
    assert isinstance(definition, dict)
    properties = definition["properties"]
    assert isinstance(properties, dict)
    assert set(answer) <= set(properties), "a field that nobody described"


def test_an_enum_lists_the_values_that_tables_hold() -> None:
    assert DEFINITIONS["ServiceState.ServiceStatus"] == {
        "type": "string",
        "enum": ["Opening", "Open", "WaitingForRecoveryShares", "Recovering"],
    }
