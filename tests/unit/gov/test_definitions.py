"""Definitions describe the answers that the endpoints really give."""

import pytest

from ccfpy.gov.api import READS, signed_operations
from ccfpy.gov.definitions import DEFINITIONS
from tests.unit.gov.conftest import NODE_ID, Governed, body


def test_every_operation_returns_something_defined(governed: Governed) -> None:
    for operation in (*READS, *signed_operations(governed.host)):
        assert operation.returns is None or operation.returns in DEFINITIONS


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
def test_an_answer_has_the_fields_of_its_definition(
    governed: Governed, path: str, name: str
) -> None:
    definition = DEFINITIONS[name]
    assert isinstance(definition, dict)
    answer = body(governed.get(path))
    required, properties = definition["required"], definition["properties"]
    assert isinstance(required, list)
    assert isinstance(properties, dict)
    assert set(required) <= set(answer) <= set(properties)


def test_an_enum_lists_the_values_that_tables_hold() -> None:
    service = DEFINITIONS["ServiceState.ServiceInfo"]
    assert isinstance(service, dict)
    status = service["properties"]["status"]  # type: ignore[index,call-overload]  # objects
    assert status == {
        "type": "string",
        "enum": ["Opening", "Open", "WaitingForRecoveryShares", "Recovering"],
    }
