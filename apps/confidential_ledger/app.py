"""The application itself, and the versions of its interface."""

from ccfpy.app import ApiError, App, Context, ErrorCode, JsonObject

VERSIONS = (
    "2022-05-13",
    "2023-01-18-preview",
    "2024-08-22-preview",
    "2024-12-09-preview",
    "2026-02-23",
)
"""The versions that clients say; each is answered with the same paths and fields."""
API_VERSION = "api-version"

app = App(
    "confidential_ledger",
    title="Confidential Ledger",
    version=VERSIONS[-1],
    description="Entries in collections, as clients of Azure Confidential Ledger ask.",
    auth=["jwt", "any_cert"],
)


def check_version(ctx: Context) -> str:
    """Return the version of the interface that the caller speaks.

    Raises:
        ApiError: 400, the caller names none, or one that is not served.
    """
    version = ctx.query.get(API_VERSION)
    if version is None:
        raise ApiError(
            400,
            ErrorCode.MissingApiVersionParameter,
            f"The query parameter '{API_VERSION}' is missing: say one of "
            f"{', '.join(VERSIONS)}.",
        )
    if version not in VERSIONS:
        raise ApiError(
            400,
            ErrorCode.UnsupportedApiVersionValue,
            f"The '{API_VERSION}' is not served: say one of {', '.join(VERSIONS)}.",
        )
    return version


def page(name: str, items: list[JsonObject], link: str | None = None) -> JsonObject:
    """Write one page of a list, with the path of the next page if there is one."""
    listed: JsonObject = {name: [*items]}
    if link is not None:
        listed["nextLink"] = link
    return listed
