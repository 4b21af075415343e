"""Errors that callers see: CCF's codes and the JSON body that carries them.

``{"error": {"code": …, "message": …, "details": […]}}``, after OData. The codes are
protocol: clients branch on them (``include/ccf/odata_error.h``).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from ccfpy.base import json, limits
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.http.messages import Response

JSON_CONTENT_TYPE: Final = "application/json"


class ErrorCode(StrEnum):
    """Every code CCF answers with; each member is named as it is spelt."""

    # of any service
    AuthorizationFailed = "AuthorizationFailed"
    InternalError = "InternalError"
    NotImplemented = "NotImplemented"
    InvalidAuthenticationInfo = "InvalidAuthenticationInfo"
    InvalidHeaderValue = "InvalidHeaderValue"
    InvalidInput = "InvalidInput"
    InvalidQueryParameterValue = "InvalidQueryParameterValue"
    InvalidResourceName = "InvalidResourceName"
    MissingRequiredHeader = "MissingRequiredHeader"
    ResourceNotFound = "ResourceNotFound"
    RequestNotSigned = "RequestNotSigned"
    UnsupportedHttpVerb = "UnsupportedHttpVerb"
    UnsupportedContentType = "UnsupportedContentType"
    RequestBodyTooLarge = "RequestBodyTooLarge"
    RequestHeaderTooLarge = "RequestHeaderTooLarge"
    PreconditionFailed = "PreconditionFailed"
    # of a CCF service
    SessionCapExhausted = "SessionCapExhausted"
    FrontendNotOpen = "FrontendNotOpen"
    KeyNotFound = "KeyNotFound"
    NodeAlreadyRecovering = "NodeAlreadyRecovering"
    ProposalNotOpen = "ProposalNotOpen"
    ProposalNotFound = "ProposalNotFound"
    ProposalFailedToValidate = "ProposalFailedToValidate"
    ServiceNotWaitingForRecoveryShares = "ServiceNotWaitingForRecoveryShares"
    StateDigestMismatch = "StateDigestMismatch"
    TransactionNotFound = "TransactionNotFound"
    TransactionCommitAttemptsExceedLimit = "TransactionCommitAttemptsExceedLimit"
    TransactionReplicationFailed = "TransactionReplicationFailed"
    UnknownCertificate = "UnknownCertificate"
    VoteNotFound = "VoteNotFound"
    VoteAlreadyExists = "VoteAlreadyExists"
    NodeCannotHandleRequest = "NodeCannotHandleRequest"
    TransactionPendingOrUnknown = "TransactionPendingOrUnknown"
    TransactionInvalid = "TransactionInvalid"
    PrimaryNotFound = "PrimaryNotFound"
    BackupNotFound = "BackupNotFound"
    RequestAlreadyForwarded = "RequestAlreadyForwarded"
    NodeNotRetiredCommitted = "NodeNotRetiredCommitted"
    SessionConsistencyLost = "SessionConsistencyLost"
    ExecutorDispatchFailed = "ExecutorDispatchFailed"
    ProposalReplay = "ProposalReplay"
    ProposalCreatedTooLongAgo = "ProposalCreatedTooLongAgo"
    InvalidCreatedAt = "InvalidCreatedAt"
    JSException = "JSException"
    TooManyPendingTransactions = "TooManyPendingTransactions"
    MissingApiVersionParameter = "MissingApiVersionParameter"
    UnsupportedApiVersionValue = "UnsupportedApiVersionValue"
    # between nodes
    ConsensusTypeMismatch = "ConsensusTypeMismatch"
    InvalidQuote = "InvalidQuote"
    InvalidNodeState = "InvalidNodeState"
    NodeAlreadyExists = "NodeAlreadyExists"
    StartupSeqnoIsOld = "StartupSeqnoIsOld"
    TooManyPendingNodes = "TooManyPendingNodes"
    """Ours: all places of nodes that wait to be trusted are taken."""
    CSRPublicKeyInvalid = "CSRPublicKeyInvalid"


class ApiError(CcfpyError):
    """Raised anywhere below an endpoint to answer the request with an error.

    Attributes:
        code: one of ``ErrorCode``, or an app's own.
        details: further objects for the caller, such as one per failed policy.
        headers: to send with the answer, such as ``allow`` or ``www-authenticate``.
        close: the connection ends with this answer.
    """

    def __init__(
        self,
        status: int,
        code: ErrorCode | str,
        message: str,
        *,
        details: Sequence[JsonObject] | None = None,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers
        self.close = close

    def body(self) -> bytes:
        """Return the JSON that the caller receives."""
        error: JsonObject = {"code": str(self.code), "message": self.message}
        if self.details:
            error["details"] = list(self.details)
        return json.dumps({"error": error})

    def response(self) -> Response:
        """Return the whole response."""
        headers = {"content-type": JSON_CONTENT_TYPE}
        if self.headers:
            headers.update(self.headers)
        return Response(
            status=self.status, headers=headers, body=self.body(), close=self.close
        )


def not_found(message: str) -> ApiError:
    """Return the error for a thing that does not exist."""
    return ApiError(404, ErrorCode.ResourceNotFound, message)


def internal_error(message: str) -> ApiError:
    """Return the error for a request that fails through no fault of its caller."""
    return ApiError(500, ErrorCode.InternalError, message)


def unavailable(
    code: ErrorCode,
    message: str,
    *,
    after_s: int = limits.RETRY_SOON_S,
    close: bool = False,
) -> ApiError:
    """Return the error for a request that was not executed and may be sent again.

    Args:
        code: the error's code.
        message: the error's text.
        after_s: the seconds that the caller should wait.
        close: whether the answer ends its connection.
    """
    headers = {"retry-after": str(after_s)}
    return ApiError(503, code, message, headers=headers, close=close)
