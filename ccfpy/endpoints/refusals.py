"""Answers that refuse a request, in CCF's words where CCF has any.

A check of the frontend's failed, or the body cannot be read: then the answer says why.
Or there is a defect: then the answer names its id in the log, and nothing else.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from ccfpy.base import json, limits
from ccfpy.base.components import Schema
from ccfpy.base.errors import Malformed, Unwritable
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.ports import CallStopped
from ccfpy.base.problems import problems_of
from ccfpy.http.errors import ApiError, ErrorCode, unavailable

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


TIMED_OUT: Final = "Operation took too long to complete."
"""CCF's text for the caller of a script that takes too long."""
TOO_MUCH_MEMORY: Final = "Operation took too much memory."
UNWRITABLE: Final = "The answer is too large, or of no form that can be sent."
FAILED: Final = "The request failed within the service."
LOGGED_AS: Final = "The node's log has the reason under"
"""The words before the id."""


class Marks(NamedTuple):
    """What the log names beside a defect's own id, as far as there is any.

    Attributes:
        trace: of the request that met the defect, in hex.
        transaction: what the request has committed all the same.
    """

    trace: str | None = None
    transaction: TxId | None = None

    def __str__(self) -> str:
        """Return what follows the id."""
        trace = "" if self.trace is None else f", trace {self.trace}"
        if self.transaction is None:
            return trace
        return f"{trace}, transaction {self.transaction}"


def words_for(error: Exception) -> str:
    """Return words for the kind of a defect."""
    if isinstance(error, CallStopped):
        return TIMED_OUT if error.is_late else TOO_MUCH_MEMORY
    return UNWRITABLE if isinstance(error, Unwritable) else FAILED


def refused_body(shape: Schema, body: bytes, error: Malformed) -> ApiError:
    """Return the refusal of a body: the first mistake, and all as details.

    Args:
        shape: what it was to be.
        body: as it came.
        error: what reading it raised.
    """
    refusal = invalid_input(str(error))
    if isinstance(error, Mismatch):
        value = json.loads(body) if body else {}
        problems = islice(problems_of(shape, value), BODY_PROBLEMS_MAX)
        refusal.details = [_detail(problem) for problem in problems]
    return refusal


def invalid_input(message: str) -> ApiError:
    """Return the refusal of a body, in one sentence."""
    return ApiError(400, ErrorCode.InvalidInput, message)


def _detail(problem: Mismatch) -> JsonObject:
    return {
        "code": str(ErrorCode.InvalidInput),
        "message": problem.problem,
        "target": problem.pointer,
    }
