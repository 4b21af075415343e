from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import pytest

from ccfpy.base import json
from ccfpy.base.annotations import U64
from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.history import HistoricalState
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Response
from tests.unit.endpoints.world import StoreNode, context_of


@dataclass(frozen=True)
class Note:
    text: str
    blob: bytes = b""


def _call(
    function: Callable[..., object],
    *,
    path: str = "/x",
    query: str = "",
    body: bytes = b"",
    params: dict[str, str] | None = None,
    accept: str | None = None,
) -> Response:
    headers = {} if accept is None else {"accept": accept}
    context = context_of(
        StoreNode(), query=query, body=body, params=params, headers=headers
    )
    response = bind(function, path).handler(context)
    assert isinstance(response, Response)
    return response


def test_arguments_come_from_path_query_and_body() -> None:
    def function(
        _: Context, note: U64, body: Note, *, flag: bool, size: int = 3
    ) -> Json:
        return [note, body.text, flag, size]

    response = _call(
        function,
        path="/{note}",
        params={"note": "7"},
        query="flag=true",
        body=b'{"text":"t"}',
    )
    assert json.loads(response.body) == [7, "t", True, 3]
    assert response.headers == {"content-type": "application/json"}


def test_a_state_of_the_past_is_given_to_who_takes_one() -> None:
    state = HistoricalState(TxId(2, 7), {}, pytest.fail)
    context = context_of(StoreNode(), query="size=3")
    context.historical_state = state

    def function(_: Context, asked: HistoricalState, size: int) -> Json:
        return [str(asked.txid), size]

    response = bind(function, "/x", is_historical=True).handler(context)
    assert isinstance(response, Response)
    assert json.loads(response.body) == ["2.7", 3]


@pytest.mark.parametrize("is_declared_alone", [True, False])
def test_an_answer_may_come_later(is_declared_alone: bool) -> None:
    later = Awaited()

    def alone(_: Context) -> Answer:
        return later

    def or_value(_: Context) -> int | Answer:
        return later

    function = alone if is_declared_alone else or_value
    binding = bind(function, "/x")
    assert binding.handler(context_of(StoreNode())) is later
    assert (binding.operation.response_schema is None) is is_declared_alone


def test_one_argument_and_none_are_given_too() -> None:
    def one(_: Context, size: int) -> int:
        return size

    def none(_: Context) -> str:
        return "x"

    assert _call(one, query="size=-4").body == b"-4"
    assert _call(none).body == b'"x"'


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Missing query parameter 'size'"),
        ("size=x", "Unable to parse value 'x' in parameter 'size'"),
        ("size=", "Unable to parse value '' in parameter 'size'"),
        ("size=1&flag=1", "Unable to parse value '1' as bool in parameter 'flag'"),
    ],
)
def test_a_bad_query_is_refused_in_ccfs_words(query: str, message: str) -> None:
    def function(_: Context, size: U64, flag: bool = False) -> None:
        raise AssertionError(size, flag)

    with pytest.raises(ApiError) as refusal:
        _call(function, query=query)
    assert (refusal.value.status, refusal.value.code) == (
        400,
        "InvalidQueryParameterValue",
    )
    assert refusal.value.message == message


def test_a_bad_path_is_refused_in_ccfs_words() -> None:
    def function(_: Context, note: U64) -> None:
        raise AssertionError(note)

    with pytest.raises(ApiError) as refusal:
        _call(function, path="/{note}", params={"note": "x"})
    assert refusal.value.code == "InvalidResourceName"
    assert refusal.value.message == "Unable to parse path parameter 'x' as a note"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "At #/: Missing required field 'text' in object: {}"),
        (b"{", "not JSON"),
        (b'{"text":1}', "At #/text: expected text, found 1"),
    ],
)
def test_a_bad_body_is_refused_by_place(body: bytes, message: str) -> None:
    def function(_: Context, note: Note) -> None:
        raise AssertionError(note)

    with pytest.raises(ApiError) as refusal:
        _call(function, body=body)
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidInput")
    assert message in refusal.value.message


def test_a_body_may_be_taken_as_it_is() -> None:
    def raw(_: Context, body: bytes) -> bytes:
        return body

    def text(_: Context, body: str) -> str:
        return body

    def any_json(_: Context, body: Json) -> Json:
        return body

    assert _call(raw, body=b"\xff").body == b"\xff"
    assert _call(raw, body=b"").headers == {"content-type": "application/octet-stream"}
    assert _call(text, body="ü".encode()).body == '"ü"'.encode()
    assert _call(any_json, body=b"[1]").body == b"[1]"
    with pytest.raises(ApiError, match="no UTF-8 at byte 0"):
        _call(text, body=b"\xff")


def test_answers_follow_the_declared_type() -> None:
    def nothing(_: Context) -> None:
        return None

    def note(_: Context) -> Note:
        return Note("t", b"b")

    def response(_: Context) -> Response:
        return empty_reply(418)

    assert _call(nothing).status == 204
    assert _call(note).body == b'{"blob":"Yg==","text":"t"}'
    assert _call(response).status == 418


@pytest.mark.parametrize("gives_response", [True, False])
def test_a_response_may_stand_in_for_any_answer(gives_response: bool) -> None:
    stand_in = empty_reply(418)

    def note(_: Context) -> Note | Response:
        return stand_in if gives_response else Note("t")

    def maybe(_: Context) -> Note | Response | None:
        return stand_in if gives_response else None

    def blob(_: Context) -> bytes | Response:
        return stand_in if gives_response else b"x"

    def only(_: Context) -> Response | None:
        return stand_in if gives_response else None

    statuses = [_call(each).status for each in (note, maybe, blob, only)]
    assert statuses == ([418] * 4 if gives_response else [200, 204, 200, 204])


def test_a_handler_must_declare_what_it_gives() -> None:
    def liar(_: Context) -> None:
        return "text"  # type: ignore[return-value]  # the mistake this is about

    with pytest.raises(Unwritable, match="an answer of type str"):
        _call(liar)


def test_a_caller_that_takes_no_json_is_told_so() -> None:
    def function(_: Context) -> int:
        return 1

    assert _call(function, accept="application/json, text/html").status == 200
    with pytest.raises(ApiError) as refusal:
        _call(function, accept="text/html")
    assert refusal.value.status == 406


def test_signature_and_docstring_describe_the_operation() -> None:
    def function(_: Context, body: Note, size: int = 3, name: str = "") -> bytes:
        """Do it.

        At length.

        Args:
            size: of it.
        """
        raise AssertionError(body, size, name)

    operation = bind(function, "/x", status=201).operation
    assert (operation.summary, operation.description) == ("Do it.", "At length.")
    assert operation.parameters == (
        {
            "in": "query",
            "name": "size",
            "required": False,
            "schema": {
                "allOf": [{"$ref": "#/components/schemas/integer"}],
                "default": 3,
            },
        },
        {
            "in": "query",
            "name": "name",
            "required": False,
            "schema": {
                "allOf": [{"$ref": "#/components/schemas/string"}],
                "default": "",
            },
        },
    )
    assert operation.request_schema == {"$ref": "#/components/schemas/Note"}
    assert operation.request_content_type == "application/json"
    assert operation.response_schema == {"format": "binary", "type": "string"}
    assert operation.response_content_type == "application/octet-stream"
    assert operation.success_status == 201
    assert {"Note", "integer", "string"} <= set(operation.components)


def test_a_bare_function_is_described_barely() -> None:
    def function(_: Context) -> None:
        raise AssertionError

    operation = bind(function, "/x").operation
    assert (operation.summary, operation.description) == ("", "")
    assert operation.request_schema is None
    assert operation.response_schema is None
    assert operation.success_status == 204


def test_a_response_of_ones_own_is_described_by_its_status() -> None:
    def ping(_: Context) -> Response:
        raise AssertionError("described, never called")

    operation = bind(ping, "/ping", status=202).operation
    assert operation.response_schema is None
    assert operation.success_status == 202


@pytest.mark.parametrize(
    ("answers", "content_type", "schema"),
    [
        (str, "text/plain", "string"),
        (bytes, "application/octet-stream", None),
        (list[str], "application/json", "string_array"),
    ],
)
def test_a_response_of_ones_own_may_be_described_by_what_it_carries(
    answers: object, content_type: str, schema: str | None
) -> None:
    def ping(_: Context) -> Response:
        raise AssertionError("described, never called")

    operation = bind(ping, "/ping", answers=answers).operation
    assert operation.response_content_type == content_type
    expected = (
        {"format": "binary", "type": "string"}
        if schema is None
        else {"$ref": f"#/components/schemas/{schema}"}
    )
    assert operation.response_schema == expected
    assert operation.success_status == 200


def test_a_result_that_may_be_nothing_is_described_as_what_it_else_is() -> None:
    def ping(_: Context) -> str | None:
        raise AssertionError("described, never called")

    operation = bind(ping, "/ping").operation
    assert operation.response_schema == {"$ref": "#/components/schemas/string"}
    assert operation.also == {204: None}


class Colour(StrEnum):
    RED = "red"


def test_parameters_are_described_by_what_is_read_of_them() -> None:
    def function(
        _: Context,
        id: U64,  # noqa: A002 - a name as applications have it
        colour: Colour = Colour.RED,
        scope: str | None = None,
        ratio: float = 0.5,
    ) -> None:
        raise AssertionError(id, colour, scope, ratio)

    operation = bind(function, "/x/{id}").operation
    described = {str(each["name"]): each for each in operation.parameters}
    assert described["id"] == {
        "in": "path",
        "name": "id",
        "required": True,
        "schema": {"$ref": "#/components/schemas/uint64"},
    }
    assert described["colour"]["schema"] == {
        "allOf": [{"$ref": "#/components/schemas/Colour"}],
        "default": "red",
    }
    assert described["scope"]["schema"] == {"$ref": "#/components/schemas/string"}
    assert "uint64" in operation.components


@dataclass(frozen=True, slots=True, kw_only=True)
class Lenient:
    """Of which nothing need be said."""

    size: int = 3


@pytest.mark.parametrize(
    ("annotation", "is_required"),
    [(Note, True), (Lenient, False), (bytes, False), (str, False), (list[str], True)],
)
def test_a_body_is_required_where_none_would_be_refused(
    annotation: object, *, is_required: bool
) -> None:
    def function(_: Context, body: object) -> Response:
        return json_reply(str(body))

    function.__annotations__["body"] = annotation
    binding = bind(function, "/x")
    assert binding.operation.is_body_required is is_required
    if is_required:
        with pytest.raises(ApiError):
            binding.handler(context_of(StoreNode()))
    else:
        assert isinstance(binding.handler(context_of(StoreNode())), Response)


def test_a_body_that_is_read_from_the_context_may_be_described() -> None:
    def function(_: Context) -> Response:
        raise AssertionError("described, never called")

    operation = bind(function, "/x", takes=str).operation
    assert operation.request_schema == {"$ref": "#/components/schemas/string"}
    assert operation.request_content_type == "text/plain"
    assert operation.is_body_required
    assert "string" in operation.components
