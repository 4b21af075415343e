"""The errors of a frontend's own checks, in CCF's words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base import limits
from ccfpy.http.errors import ApiError, ErrorCode, unavailable

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

PolicyRefusal: TypeAlias = tuple[str, str, str | None]
"""A policy's name, its words, and its challenge if it has one."""


def too_many_pending() -> ApiError:
    """Return the answer of a node that has too much to commit."""
    return unavailable(
        ErrorCode.TooManyPendingTransactions,
        "Too many transactions pending commit on the service.",
    )


def not_open() -> ApiError:
    """Return the answer of a frontend that is closed."""
    return ApiError(404, ErrorCode.FrontendNotOpen, "Frontend is not open.")


def unsupported_verb(path: str, allow: str) -> ApiError:
    """Return the answer to a verb that a path does not have.

    Args:
        path: the request's.
        allow: the verbs that the path has.
    """
    return ApiError(
        405,
        ErrorCode.UnsupportedHttpVerb,
        f"Allowed methods for '{path}' are: {allow}.",
        headers={"allow": allow},
    )


def conflicted() -> ApiError:
    """Return the answer to a step that lost the optimistic race, and runs only once."""
    return ApiError(
        409,
        ErrorCode.TransactionCommitAttemptsExceedLimit,
        "Another transaction changed what this one had read. Nothing of it is applied.",
    )


def no_end_of_conflicts() -> ApiError:
    """Return the answer to a request that lost the optimistic race each time."""
    return unavailable(
        ErrorCode.TransactionCommitAttemptsExceedLimit,
        f"Transaction continued to conflict after {limits.TX_ATTEMPTS_MAX} "
        "attempts. Retry later.",
        after_s=limits.RETRY_AFTER_S,
    )


def unauthenticated(refusals: Sequence[PolicyRefusal]) -> ApiError:
    """Return the answer to a caller whom every policy refused.

    Args:
        refusals: at least one, in the order of the policies.
    """
    details: list[JsonObject] = [
        {
            "auth_policy": name,
            "code": ErrorCode.InvalidAuthenticationInfo,
            "message": message,
        }
        for name, message, _ in refusals
    ]
    _, _, challenge = refusals[-1]
    return ApiError(
        401,
        ErrorCode.InvalidAuthenticationInfo,
        "Invalid authentication credentials.",
        details=details,
        headers={"www-authenticate": challenge} if challenge else None,
    )
