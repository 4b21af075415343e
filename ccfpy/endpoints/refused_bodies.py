"""The answer to a body that does not fit: all that is wrong with it, in CCF's shape."""

from itertools import islice

from ccfpy.base import json
from ccfpy.base.components import Schema
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.problems import problems_of
from ccfpy.http.errors import ApiError, ErrorCode


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
