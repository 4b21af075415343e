"""Types as Swagger 2.0 writes them: plain ones are written out, others have names."""

from ccfpy.gov.definitions import (
    Constitution,
    EncryptedShareBody,
    JoinPoliciesBody,
    ProposalsPage,
    TcbVersionBody,
)
from ccfpy.gov.swagger_definitions import (
    ERROR_RESPONSE,
    definition_name,
    definitions,
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
