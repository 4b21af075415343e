"""Errors as callers see them."""

from ccfpy.http.errors import ApiError, ErrorCode, unavailable
from ccfpy.http.messages import Response


def test_the_body_is_odata_with_sorted_keys() -> None:
    error = ApiError(404, ErrorCode.ResourceNotFound, "Unknown path: /x.")
    assert error.body() == (
        b'{"error":{"code":"ResourceNotFound","message":"Unknown path: /x."}}'
    )


def test_details_appear_only_when_there_are_some() -> None:
    detail = {"auth_policy": "jwt", "code": "InvalidAuthenticationInfo"}
    with_details = ApiError(
        401, ErrorCode.InvalidAuthenticationInfo, "no", details=[dict(detail)]
    )
    assert b'"details":[{"auth_policy":"jwt"' in with_details.body()
    assert b"details" not in ApiError(401, "App", "no", details=[]).body()


def test_the_response_carries_the_error_and_its_headers() -> None:
    error = ApiError(
        405, ErrorCode.UnsupportedHttpVerb, "no", headers={"allow": "GET"}, close=True
    )
    assert error.response() == Response(
        status=405,
        headers={"content-type": "application/json", "allow": "GET"},
        body=error.body(),
        close=True,
    )


def test_an_app_may_have_codes_of_its_own() -> None:
    assert ApiError(400, "MyAppError", "no").body().startswith(b'{"error":{"code":"My')


def test_every_code_is_spelt_as_it_is_named() -> None:
    assert all(code.name == code.value for code in ErrorCode)
    assert len(ErrorCode) == 54


def test_the_message_is_what_logs_show() -> None:
    assert str(ApiError(500, ErrorCode.InternalError, "it broke")) == "it broke"


def test_what_was_not_executed_says_when_to_come_back() -> None:
    soon = unavailable(ErrorCode.PrimaryNotFound, "no", close=True).response()
    assert (soon.status, soon.headers["retry-after"], soon.close) == (503, "1", True)
    later = unavailable(ErrorCode.PrimaryNotFound, "no", after_s=3).response()
    assert (later.headers["retry-after"], later.close) == ("3", False)
