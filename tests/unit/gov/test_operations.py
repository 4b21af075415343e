"""An operation says how it is called; requests name a version that has it."""

import json

import pytest

from ccfpy.endpoints.auth.cose import MemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.gov.operations import ApiVersion, GovOperation
from ccfpy.http.messages import Response
from tests.unit.gov.conftest import Governed


def documented(_: Context) -> Response:
    """Do one thing.

    And explain it.
    """
    return Response(status=200)


def test_a_read_is_a_get_and_a_signed_operation_a_post() -> None:
    read = GovOperation(
        path="/a/{b}/{c}:d", handler=documented, operation_id="A", returns="X"
    )
    signed = GovOperation(
        path="/a",
        handler=documented,
        operation_id="B",
        returns=None,
        policy=MemberCoseSign1("ack"),
    )
    assert (read.method, signed.method) == ("GET", "POST")
    assert read.path_parameters == ("b", "c")
    assert read.description == "Do one thing."


def test_an_undocumented_handler_has_an_empty_description() -> None:
    bare = GovOperation(
        path="/",
        handler=lambda _: Response(status=200),
        operation_id="C",
        returns=None,
    )
    assert bare.description == ""


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
