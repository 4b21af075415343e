"""Bodies of the classic API have schemas of CCF 6's names."""

from ccfpy.base.schema import schema_of
from ccfpy.gov.classic.api import ROWS
from ccfpy.service.tables.join_policy import UvmEndorsementsData
from ccfpy.service.tables.js import EndpointProperties
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.proposals import Failure


def test_required_and_optional_fields_are_told_apart() -> None:
    failure = schema_of(Failure).components["Failure"]
    assert failure == {
        "type": "object",
        "properties": {
            "reason": {"$ref": "#/components/schemas/string"},
            "trace": {"$ref": "#/components/schemas/string"},
        },
        "required": ["reason"],
    }


def test_tables_of_tables_nest() -> None:
    nested = schema_of(dict[str, dict[str, UvmEndorsementsData]])
    assert {"string_to_string_to_UVMEndorsementsData"} <= nested.components.keys()


def test_an_interface_has_no_name_in_the_table_of_nodes() -> None:
    described = schema_of(NodeInfo).components
    assert "NodeInfoNetwork_v2__NetInterface" not in described
    node = described["NodeInfo"]
    assert isinstance(node, dict)
    properties = node["properties"]
    assert isinstance(properties, dict)
    interface = properties["node_to_node_interface"]
    assert isinstance(interface, dict)
    assert interface["required"] == ["bind_address"]
    assert properties["rpc_interfaces"] == {
        "type": "object",
        "additionalProperties": interface,
    }


def test_a_policy_is_the_only_one_of_its_choice() -> None:
    assert schema_of(EndpointProperties).components["InterpreterReusePolicy"] == {
        "oneOf": [
            {
                "type": "object",
                "properties": {"key": {"type": "string"}},
                "required": ["key"],
            }
        ]
    }


def test_every_answer_has_a_schema() -> None:
    for row in (row for row in ROWS if not row.writes):
        described = row.operation.response_schema
        assert described is not None
        name = str(described["$ref"]).rpartition("/")[2]
        assert name in row.operation.components, row.path
