"""The shapes of the governance API's answers, for its Swagger documents.

Their names are those in CCF's documents, since generated clients have types of these
names; where those documents say something that CCF's nodes do not answer, here is what
they answer (``src/node/gov/handlers``).
"""

from collections.abc import Mapping

from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.declaration import Forwarding, Mode, Redirection
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.nodes import CCF_QUOTE_FORMATS
from ccfpy.service.tables.proposals import ProposalState

ERROR_RESPONSE = "Azure.Core.Foundations.ErrorResponse"
HEX_ID_PATTERN = "^[a-f0-9]{64}$"
TX_ID_PATTERN = "^[0-9]+\\.[0-9]+$"

_TEXT: Json = {"type": "string"}
_BYTES: Json = {"type": "string", "format": "byte"}
_INTEGER: Json = {"type": "integer"}
_FLAG: Json = {"type": "boolean"}
_ANY: Json = {}
_HEX_ID: Json = {"type": "string", "pattern": HEX_ID_PATTERN}
_TX_ID: Json = {"type": "string", "pattern": TX_ID_PATTERN}


def _ref(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


def _by_name(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}


def _enum(values: list[str]) -> Json:
    return {"type": "string", "enum": [*values]}


def _object(required: Mapping[str, Json], **optional: Json) -> Json:
    described: dict[str, Json] = {
        "type": "object",
        "properties": {**required, **optional},
    }
    if required:
        described["required"] = [*required]
    return described


def _page(items: str) -> Json:
    return _object(
        {"value": _array(_ref(items))}, nextLink={"type": "string", "format": "uri"}
    )


_MEMBER_ID, _NODE_ID, _USER_ID = _ref("memberId"), _ref("nodeId"), _ref("userId")
_COUNT, _PEM, _TX = _ref("safeuint"), _ref("ServiceState.pem"), _ref("transactionId")

_SHARED: Mapping[str, Json] = {
    "memberId": _HEX_ID,
    "nodeId": _HEX_ID,
    "proposalId": _HEX_ID,
    "userId": _HEX_ID,
    "transactionId": _TX_ID,
    "safeuint": {"type": "integer", "format": "int64", "minimum": 0},
    "Azure.Core.Foundations.Error": _object(
        {"code": _TEXT, "message": _TEXT},
        target=_TEXT,
        details=_array(_ref("Azure.Core.Foundations.Error")),
        innererror=_ref("Azure.Core.Foundations.InnerError"),
    ),
    "Azure.Core.Foundations.InnerError": _object(
        {}, code=_TEXT, innererror=_ref("Azure.Core.Foundations.InnerError")
    ),
    ERROR_RESPONSE: _object({"error": _ref("Azure.Core.Foundations.Error")}),
}

_PROPOSALS: Mapping[str, Json] = {
    "Acks.StateDigest": _object({"memberId": _MEMBER_ID, "stateDigest": _HEX_ID}),
    "Proposals.Action": _object({"name": _TEXT}, args=_ANY),
    "Proposals.Ballot": _TEXT,
    "Proposals.FailureInfo": _object({"reason": _TEXT}, trace=_TEXT),
    "Proposals.MemberVotes": _by_name(_FLAG),
    "Proposals.Proposal": _object(
        {
            "proposalId": _ref("proposalId"),
            "proposerId": _MEMBER_ID,
            "proposalState": _ref("Proposals.ProposalState"),
            "ballotCount": _COUNT,
        },
        finalVotes=_ref("Proposals.MemberVotes"),
        voteFailures=_ref("Proposals.VoteFailures"),
        failure=_ref("Proposals.FailureInfo"),
    ),
    "Proposals.ProposalActions": _object({"actions": _array(_ref("Proposals.Action"))}),
    "Proposals.ProposalState": _enum([state.value for state in ProposalState]),
    "Proposals.VoteFailures": _by_name(_ref("Proposals.FailureInfo")),
    "PagedProposal": _page("Proposals.Proposal"),
}

_RECOVERY: Mapping[str, Json] = {
    "Recovery.EncryptedRecoveryShare": _object(
        {"memberId": _MEMBER_ID, "encryptedShare": _BYTES}
    ),
    "Recovery.RecoveryResponse": _object(
        {
            "message": _TEXT,
            "submittedCount": _COUNT,
            "recoveryThreshold": _COUNT,
            "fullKeySubmitted": _FLAG,
        }
    ),
    "Recovery.RecoveryShare": _object({"share": _BYTES}),
}

_SERVICE: Mapping[str, Json] = {
    "ServiceState.pem": _TEXT,
    "ServiceState.caCertBundle": _TEXT,
    "ServiceState.ConstitutionResponse": _TEXT,
    "ServiceState.ServiceStatus": _enum([status.value for status in ServiceStatus]),
    "ServiceState.ServiceInfo": _object(
        {
            "status": _ref("ServiceState.ServiceStatus"),
            "certificate": _PEM,
            "recoveryCount": _COUNT,
        },
        creationTransactionId=_TX,
        previousServiceCreationTransactionId=_TX,
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
    "ServiceState.MemberStatus": _enum([status.value for status in MemberStatus]),
    "ServiceState.Member": _object(
        {
            "memberId": _MEMBER_ID,
            "status": _ref("ServiceState.MemberStatus"),
            "recoveryRole": _enum([role.value for role in RecoveryRole]),
        },
        memberData=_ANY,
        certificate=_PEM,
        publicEncryptionKey=_PEM,
    ),
    "PagedMember": _page("ServiceState.Member"),
    "ServiceState.User": _object(
        {"userId": _USER_ID, "certificate": _PEM}, userData=_ANY
    ),
    "PagedUser": _page("ServiceState.User"),
    "ServiceState.NodeStatus": _enum([status.value for status in NodeStatus]),
    "ServiceState.NetworkInterface": _object(
        {"publishedAddress": _TEXT}, protocol=_TEXT
    ),
    "ServiceState.QuoteInfo": _object(
        {"format": _enum([each.value for each in CCF_QUOTE_FORMATS])},
        quote=_BYTES,
        endorsements=_BYTES,
        rawQuote=_BYTES,
        details=_object({}, measurement=_TEXT, reportData=_TEXT, hostData=_TEXT),
        uvmEndorsements=_BYTES,
        endorsedTcb=_BYTES,
    ),
    "ServiceState.Node": _object(
        {
            "nodeId": _NODE_ID,
            "status": _ref("ServiceState.NodeStatus"),
            "retiredCommitted": _FLAG,
            "quoteInfo": _ref("ServiceState.QuoteInfo"),
            "rpcInterfaces": _by_name(_ref("ServiceState.NetworkInterface")),
        },
        nodeData=_ANY,
        certificate=_PEM,
    ),
    "PagedNode": _page("ServiceState.Node"),
}

_POLICY: Mapping[str, Json] = {
    "ServiceState.FeedInfo": _object({"svn": _TEXT}),
    "ServiceState.UvmEndorsementFeeds": _by_name(_ref("ServiceState.FeedInfo")),
    "ServiceState.TcbVersion": _object(
        {},
        hexstring=_TEXT,
        boot_loader=_INTEGER,
        tee=_INTEGER,
        snp=_INTEGER,
        microcode=_INTEGER,
        fmc=_INTEGER,
    ),
    "ServiceState.JoinPolicy": _object({"measurements": _array(_TEXT)}),
    "ServiceState.VirtualJoinPolicy": _object(
        {"measurements": _array(_TEXT), "hostData": _array(_TEXT)}
    ),
    "ServiceState.SnpJoinPolicy": _object(
        {
            "measurements": _array(_TEXT),
            "hostData": _by_name(_TEXT),
            "uvmEndorsements": _by_name(_ref("ServiceState.UvmEndorsementFeeds")),
            "tcbVersions": _by_name(_ref("ServiceState.TcbVersion")),
        }
    ),
    "ServiceState.JoinPolicies": _object(
        {
            "sgx": _ref("ServiceState.JoinPolicy"),
            "virtual": _ref("ServiceState.VirtualJoinPolicy"),
            "snp": _ref("ServiceState.SnpJoinPolicy"),
        }
    ),
    "ServiceState.Jwk": _object({"publicKey": _PEM, "issuer": _TEXT}, constraint=_ANY),
    "ServiceState.JwtIssuer": _object({"autoRefresh": _FLAG}, caCertBundleName=_TEXT),
    "ServiceState.JwkInfo": _object(
        {
            "issuers": _by_name(_ref("ServiceState.JwtIssuer")),
            "keys": _by_name(_array(_ref("ServiceState.Jwk"))),
            "caCertBundles": _by_name(_ref("ServiceState.caCertBundle")),
        }
    ),
    "ServiceState.ForwardingRequired": _enum([each.value for each in Forwarding]),
    "ServiceState.JsExecMode": _enum(
        [each.value for each in Mode if each is not Mode.COMMAND]
    ),
    "ServiceState.JsEndpointInfo": _object(
        {
            "jsModule": _TEXT,
            "jsFunction": _TEXT,
            "forwardingRequired": _ref("ServiceState.ForwardingRequired"),
            "redirectionStrategy": _enum([each.value for each in Redirection]),
            "authnPolicies": _array(_ANY),
            "mode": _ref("ServiceState.JsExecMode"),
            "openApi": _ANY,
        }
    ),
    "ServiceState.JsOperations": _by_name(_ref("ServiceState.JsEndpointInfo")),
    "ServiceState.JsApp": _object(
        {"endpoints": _by_name(_ref("ServiceState.JsOperations"))}
    ),
    "ServiceState.JsModuleNames": _object({"moduleName": _TEXT}),
    "PagedJsModuleNames": _page("ServiceState.JsModuleNames"),
    "ServiceState.JsModuleResponse": _TEXT,
}

_TRANSACTIONS: Mapping[str, Json] = {
    "Transactions.TransactionStatus": _enum([status.value for status in TxStatus]),
    "Transactions.Transaction": _object(
        {"status": _ref("Transactions.TransactionStatus"), "transactionId": _TX}
    ),
    "Transactions.CommittedTransaction": _object(
        {"status": _ref("Transactions.TransactionStatus"), "transactionId": _TX}
    ),
}

DEFINITIONS: Mapping[str, Json] = {
    **_SHARED,
    **_PROPOSALS,
    **_RECOVERY,
    **_SERVICE,
    **_POLICY,
    **_TRANSACTIONS,
}
