"""The versions of the governance API, and how a request names its version.

Every endpoint requires ``?api-version=``. The versions differ only in which endpoints
exist: those that describe the JavaScript application came with the second.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Answer
    from ccfpy.endpoints.declaration import Handler

PARAMETER = "api-version"


class ApiVersion(StrEnum):
    """Every version, oldest first."""

    PREVIEW_V1 = "2023-06-01-preview"
    V1 = "2024-07-01"

    @property
    def and_later(self) -> "tuple[ApiVersion, ...]":
        """This version and every later one."""
        versions = tuple(ApiVersion)
        return versions[versions.index(self) :]


def api_version(
    context: Context, since: ApiVersion = ApiVersion.PREVIEW_V1
) -> ApiVersion:
    """Return the version that a request names.

    Raises:
        ApiError: 400: the request names no version, or none from ``since`` on.
    """
    accepted = since.and_later
    suffix = f"The supported api-versions are: {', '.join(accepted)}"
    named = context.query.get(PARAMETER)
    if named is None:
        raise ApiError(
            400,
            ErrorCode.MissingApiVersionParameter,
            f"The api-version query parameter (?{PARAMETER}=) is required for all "
            f"requests. {suffix}",
        )
    for version in accepted:
        if version == named:
            return version
    raise ApiError(
        400,
        ErrorCode.UnsupportedApiVersionValue,
        f"Unsupported api-version '{named}'. {suffix}",
    )


Log: TypeAlias = Callable[[str, str], None]
"""Takes a level and a line."""


def versioned(handler: "Handler", *, since: ApiVersion, log: Log) -> "Handler":
    """Return a handler for every version from ``since`` on, which logs its errors."""
    logging = logged(handler, log=log)

    def answer(context: Context) -> "Answer":
        api_version(context, since)
        return logging(context)

    return answer


def logged(handler: "Handler", *, log: Log) -> "Handler":
    """Return a handler that also logs the errors that ``handler`` raises."""

    def answer(context: Context) -> "Answer":
        try:
            return handler(context)
        except ApiError as error:
            request = context.request
            log(
                "info",
                f"{request.method} {request.path} returning error {error.status}: "
                f"{error.message}",
            )
            raise

    return answer
