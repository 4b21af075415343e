"""The shapes of the governance API's answers, for its Swagger documents."""

from collections.abc import Mapping

from ccfpy.base.json import Json
from ccfpy.service.lifecycle import ServiceStatus
from ccfpy.service.tables.members import MemberStatus, RecoveryRole
from ccfpy.service.tables.nodes import NodeStatus, QuoteFormat
from ccfpy.service.tables.proposals import ProposalState

_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "format": "int64", "minimum": 0}
_FLAG: Json = {"type": "boolean"}
_ANY: Json = {}
_OBJECT: Json = {"type": "object"}
_HEX_ID: Json = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
_TX_ID: Json = {"type": "string", "pattern": "^[0-9]+\\.[0-9]+$"}


def _ref(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


def _by_name(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}


def _enum(values: list[str]) -> Json:
    return {"type": "string", "enum": [*values]}


def _object(required: Mapping[str, Json], **optional: Json) -> Json:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": [*required],
    }


def _page(items: str) -> Json:
    return _object({"value": _array(_ref(items))})


_FAILURE = _object({"reason": _TEXT}, trace=_TEXT)
_TRANSACTION = _object(
    {
        "status": _enum(["Unknown", "Pending", "Committed", "Invalid"]),
        "transactionId": _TX_ID,
    }
)

DEFINITIONS: Mapping[str, Json] = {
    "ErrorResponse": _object(
        {"error": _object({"code": _TEXT, "message": _TEXT}, details=_array(_OBJECT))}
    ),
    "Acks.StateDigest": _object({"memberId": _HEX_ID, "stateDigest": _TEXT}),
    "Proposals.Ballot": _TEXT,
    "Proposals.FailureInfo": _FAILURE,
    "Proposals.Proposal": _object(
        {
            "proposalId": _HEX_ID,
            "proposerId": _HEX_ID,
            "proposalState": _enum([state.value for state in ProposalState]),
            "ballotCount": _COUNT,
        },
        finalVotes=_by_name(_FLAG),
        voteFailures=_by_name(_ref("Proposals.FailureInfo")),
        failure=_ref("Proposals.FailureInfo"),
    ),
    "Proposals.ProposalActions": _object(
        {"actions": _array(_object({"name": _TEXT}, args=_ANY))}
    ),
    "PagedProposal": _page("Proposals.Proposal"),
    "Recovery.EncryptedRecoveryShare": _object(
        {"memberId": _HEX_ID, "encryptedShare": _TEXT}
    ),
    "Recovery.RecoveryResponse": _object(
        {
            "message": _TEXT,
            "submittedCount": _COUNT,
            "recoveryThreshold": _COUNT,
            "fullKeySubmitted": _FLAG,
        }
    ),
    "ServiceState.ConstitutionResponse": _TEXT,
    "ServiceState.ServiceInfo": _object(
        {
            "status": _enum([status.value for status in ServiceStatus]),
            "certificate": _TEXT,
            "recoveryCount": _COUNT,
        },
        creationTransactionId=_TX_ID,
        previousServiceCreationTransactionId=_TX_ID,
        serviceData=_ANY,
        configuration=_object(
            {
                "recoveryThreshold": _COUNT,
                "maximumNodeCertificateValidityDays": _COUNT,
                "maximumServiceCertificateValidityDays": _COUNT,
                "recentCoseProposalsWindowSize": _COUNT,
            }
        ),
    ),
    "ServiceState.Member": _object(
        {
            "memberId": _HEX_ID,
            "status": _enum([status.value for status in MemberStatus]),
            "recoveryRole": _enum([role.value for role in RecoveryRole]),
        },
        memberData=_ANY,
        certificate=_TEXT,
        publicEncryptionKey=_TEXT,
    ),
    "PagedMember": _page("ServiceState.Member"),
    "ServiceState.User": _object(
        {"userId": _HEX_ID, "certificate": _TEXT}, userData=_ANY
    ),
    "PagedUser": _page("ServiceState.User"),
    "ServiceState.Node": _object(
        {
            "nodeId": _HEX_ID,
            "status": _enum([status.value for status in NodeStatus]),
            "retiredCommitted": _FLAG,
            "quoteInfo": _object(
                {"format": _enum([each.value for each in QuoteFormat])}
            ),
            "rpcInterfaces": _by_name(
                _object({"publishedAddress": _TEXT}, protocol=_TEXT)
            ),
        },
        nodeData=_ANY,
        certificate=_TEXT,
    ),
    "PagedNode": _page("ServiceState.Node"),
    "ServiceState.JoinPolicies": _object(
        {
            "sgx": _object({"measurements": _array(_TEXT)}),
            "virtual": _object(
                {"measurements": _array(_TEXT), "hostData": _array(_TEXT)}
            ),
            "snp": _object(
                {
                    "measurements": _array(_TEXT),
                    "hostData": _by_name(_TEXT),
                    "uvmEndorsements": _by_name(_by_name(_object({"svn": _TEXT}))),
                    "tcbVersions": _by_name(_OBJECT),
                }
            ),
        }
    ),
    "ServiceState.JwkInfo": _object(
        {
            "issuers": _by_name(
                _object({"autoRefresh": _FLAG}, caCertBundleName=_TEXT)
            ),
            "keys": _by_name(
                _array(_object({"publicKey": _TEXT, "issuer": _TEXT}, constraint=_ANY))
            ),
            "caCertBundles": _by_name(_TEXT),
        }
    ),
    "ServiceState.JsApp": _object({"endpoints": _by_name(_by_name(_OBJECT))}),
    "ServiceState.JsModuleNames": _object({"moduleName": _TEXT}),
    "PagedJsModuleNames": _page("ServiceState.JsModuleNames"),
    "ServiceState.JsModuleResponse": _TEXT,
    "Transactions.Transaction": _TRANSACTION,
    "Transactions.CommittedTransaction": _TRANSACTION,
}
