"""Errors as gRPC's clients read them."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http import grpc
from ccfpy.http.errors import ApiError, ErrorCode, unavailable
from ccfpy.http.messages import Request, Response


def request(kind: str | None) -> Request:
    headers = {} if kind is None else {"content-type": kind}
    return Request(method="POST", path="/a.B/C", headers=headers)


@pytest.mark.parametrize(
    ("kind", "is_call"),
    [
        ("application/grpc", True),
        ("application/grpc+proto", True),
        ("Application/gRPC; a=b", True),
        ("application/grpc-web", False),
        ("application/json", False),
        (None, False),
    ],
)
def test_a_call_is_known_by_its_content_type(
    kind: str | None, *, is_call: bool
) -> None:
    assert grpc.is_call(request(kind)) is is_call


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ApiError(400, ErrorCode.InvalidInput, "no"), 3),
        (ApiError(401, ErrorCode.InvalidAuthenticationInfo, "no"), 16),
        (ApiError(403, ErrorCode.AuthorizationFailed, "no"), 7),
        (ApiError(404, ErrorCode.ResourceNotFound, "no"), 12),
        (ApiError(404, ErrorCode.FrontendNotOpen, "no"), 14),
        (ApiError(405, ErrorCode.UnsupportedHttpVerb, "no"), 12),
        (ApiError(413, ErrorCode.RequestBodyTooLarge, "no"), 8),
        (ApiError(418, "Teapot", "no"), 2),
        (ApiError(429, "Slowly", "no"), 14),
        (ApiError(500, ErrorCode.InternalError, "no"), 13),
        (ApiError(500, ErrorCode.SessionConsistencyLost, "no"), 10),
        (ApiError(503, ErrorCode.TransactionInvalid, "no"), 14),
        (ApiError(504, ErrorCode.TransactionPendingOrUnknown, "no"), 4),
    ],
)
def test_an_error_is_a_status_and_a_message_without_a_body(
    error: ApiError, status: int
) -> None:
    response = grpc.readable(error.response())
    assert (response.status, response.body) == (200, b"")
    assert response.headers == {
        "content-type": "application/grpc",
        "grpc-status": str(status),
        "grpc-message": "no",
    }


def test_other_headers_and_the_end_of_the_connection_stay() -> None:
    refusal = unavailable(ErrorCode.SessionCapExhausted, "full", close=True)
    response = grpc.readable(refusal.response())
    assert response.headers["retry-after"]
    assert response.close


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            Response(status=504, headers={"Content-Type": "text/plain"}, body=b"late"),
            "late",
        ),
        (
            Response(
                status=500,
                headers={"content-type": "application/json", "content-length": "1"},
                body=b"[",
            ),
            "Internal Server Error",
        ),
        (Response(status=503), "Service Unavailable"),
        (Response(status=599), "HTTP 599"),
    ],
)
def test_an_error_of_any_form_has_a_message(response: Response, message: str) -> None:
    readable = grpc.readable(response)
    assert readable.headers["grpc-message"] == message
    assert "content-length" not in readable.headers


@pytest.mark.parametrize(
    "response",
    [
        Response(status=200, body=b"a"),
        Response(status=204),
        Response(status=400, headers={"content-type": "application/grpc"}),
    ],
)
def test_an_answer_that_is_no_error_or_of_grpc_stays_as_it_is(
    response: Response,
) -> None:
    assert grpc.readable(response) is response


@given(st.text())
def test_a_message_is_printable_and_decodes_to_what_was_said(text: str) -> None:
    encoded = grpc.encoded(text)
    assert all(" " <= c <= "~" for c in encoded)
    said = text.encode("utf-8", "replace")[: limits.GRPC_MESSAGE_BYTES_MAX]
    assert unquote_to_bytes(encoded) == said.decode("utf-8", "ignore").encode()


def test_a_message_is_cut_off_between_two_characters() -> None:
    most = limits.GRPC_MESSAGE_BYTES_MAX
    assert grpc.encoded("a" * most) == "a" * most
    assert grpc.encoded("a" * (most + 1)) == "a" * most
    assert grpc.encoded("a" * (most - 1) + "é") == "a" * (most - 1)


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(1, 9)))
def test_any_split_of_the_bytes_gives_the_same_messages(
    said: list[bytes], cuts: list[int]
) -> None:
    rest, messages = b"".join(map(grpc.grpc_message, said)), grpc.GrpcMessages()
    heard = []
    while rest:
        size = cuts.pop() if cuts else len(rest)
        heard += messages.feed(rest[:size])
        rest = rest[size:]
    assert heard == said
    assert not messages.is_midway


def test_a_message_that_comes_in_parts_is_as_long_as_may_be() -> None:
    messages = grpc.GrpcMessages(bytes_max=4)
    assert messages.feed(grpc.grpc_message(b"four")[:5]) == []
    assert messages.feed(b"four") == [b"four"]
    with pytest.raises(ApiError) as long:
        messages.feed(grpc.grpc_message(b"four.")[:5])
    assert long.value.status == 413


def test_a_message_that_is_whole_is_as_long_as_what_it_is_in() -> None:
    text = b"x" * (limits.GRPC_BEGUN_BYTES_MAX + 1)
    assert grpc.GrpcMessages().feed(grpc.grpc_message(text)) == [text]


def test_a_message_is_not_compressed() -> None:
    with pytest.raises(ApiError) as compressed:
        grpc.GrpcMessages().feed(b"\1\0\0\0\0")
    assert compressed.value.status == 501
    begun = grpc.GrpcMessages()
    assert begun.feed(b"\0\0\0\0\1") == []
    assert begun.is_midway
