"""Every request names a version of the API that the endpoint serves."""

import json

import pytest

from ccfpy.gov.versions import ApiVersion
from tests.unit.gov.conftest import Governed

SUPPORTED = "The supported api-versions are: 2023-06-01-preview, 2024-07-01"


def error_of(reply: object) -> tuple[int, str, str]:
    body = json.loads(reply.body)["error"]  # type: ignore[attr-defined]  # a Response
    return reply.status, body["code"], body["message"]  # type: ignore[attr-defined]


def test_a_request_without_version_is_refused(governed: Governed) -> None:
    assert error_of(governed.get("/service/info", "")) == (
        400,
        "MissingApiVersionParameter",
        (
            "The api-version query parameter (?api-version=) is required for all "
            f"requests. {SUPPORTED}"
        ),
    )


def test_an_unknown_version_is_refused(governed: Governed) -> None:
    assert error_of(governed.get("/service/info", "api-version=2020-01-01")) == (
        400,
        "UnsupportedApiVersionValue",
        f"Unsupported api-version '2020-01-01'. {SUPPORTED}",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/service/javascript-app",
        "/service/javascript-modules",
        "/service/javascript-modules/a.js",
    ],
)
def test_the_javascript_app_came_with_the_second_version(
    governed: Governed, path: str
) -> None:
    assert error_of(governed.get(path, "api-version=2023-06-01-preview")) == (
        400,
        "UnsupportedApiVersionValue",
        (
            "Unsupported api-version '2023-06-01-preview'. "
            "The supported api-versions are: 2024-07-01"
        ),
    )


@pytest.mark.parametrize("version", ApiVersion)
def test_both_versions_serve_everything_else(
    governed: Governed, version: ApiVersion
) -> None:
    reply = governed.get("/service/info", f"api-version={version}")
    assert reply.status == 200


def test_errors_are_logged_once_with_what_was_asked(governed: Governed) -> None:
    governed.get("/members/proposals/abc")
    assert governed.node.lines == [
        (
            "info",
            (
                "GET /gov/members/proposals/abc returning error 400: 'abc' is not a "
                "valid hex-encoded proposal ID"
            ),
        )
    ]
