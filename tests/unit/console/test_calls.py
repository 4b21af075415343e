"""What may be sent from the page's forms, and what the page shows of the answer."""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.requests import TXID_HEADER, Reply
from ccfpy.console.calls import (
    BODY_BYTES_MAX,
    FIELDS_MAX,
    HTTPS_OWN,
    SHOWN_MAX,
    VALUE_CHARACTERS_MAX,
    NoSuchEndpoint,
    answer_of,
    document_path,
    form_of,
    may_write,
    operation_of,
    request_of,
    standing_of,
    why_not,
)
from ccfpy.endpoints.api_page.document import ApiDocument, DescribedOperation

JSON = "application/json"
PATH = "/app/thing/{name}/note"


def _parameter(place: str, name: str, *, required: bool = False) -> JsonObject:
    schema: JsonObject = {"type": "string"}
    return {"in": place, "name": name, "required": required, "schema": schema}


PARAMETERS: list[Json] = [
    _parameter("path", "name", required=True),
    _parameter("query", "mark"),
    _parameter("header", "X-Why"),
    _parameter("cookie", "c"),
    *(_parameter("header", name.title()) for name in sorted(HTTPS_OWN)),
]
NOTE: JsonObject = {
    "parameters": PARAMETERS,
    "requestBody": {
        "content": {
            JSON: {"schema": {"type": "object"}, "example": {"a": 1}},
            "text/plain": {},
            "application/cose": {},
            "text/\r\nx: y": {},
        }
    },
    "x-ccfpy-policies": ["user_cert", "jwt+member_cert"],
}


def _document(path: str, verb: str, operation: JsonObject) -> ApiDocument:
    return ApiDocument({"paths": {path: {verb.lower(): operation}}})


def _operation(
    path: str = PATH, verb: str = "PUT", operation: JsonObject = NOTE
) -> DescribedOperation:
    return operation_of(_document(path, verb, operation), verb=verb, path=path)


def _asked(
    values: Mapping[tuple[str, str], str], body: str | None = None
) -> JsonObject:
    return {
        "fields": [
            {"place": place, "name": name, "value": value}
            for (place, name), value in values.items()
        ],
        "body": body,
        "media_type": None if body is None else JSON,
    }


def test_a_form_has_what_the_operation_names_and_nothing_of_https_own() -> None:
    document = _document(PATH, "PUT", NOTE)
    form = form_of(document, _operation(), sender="as nobody", asks=True)
    assert [(each.place, each.name, each.value) for each in form.fields] == [
        ("path", "name", "text"),
        ("query", "mark", ""),
        ("header", "X-Why", ""),
        ("header", "authorization", ""),
    ]
    assert [each.media_type for each in form.bodies] == [JSON, "text/plain"]
    assert json.loads(form.bodies[0].text) == {"a": 1}
    assert (form.why_not, form.asks, form.sender) == ("", True, "as nobody")


def test_a_request_is_written_as_it_is_filled_in() -> None:
    values = {
        ("path", "name"): "one/two ü?",
        ("query", "mark"): "a b&c=#",
        ("header", "X-Why"): " because ",
        ("header", "authorization"): "Bearer secret",
    }
    request = request_of(_operation(), _asked(values, '{"a": "\u202e"}\n'))
    assert request.path == (
        "/app/thing/one%2Ftwo%20%C3%BC%3F/note?mark=a%20b%26c%3D%23"
    )
    assert request.headers == {
        "x-why": "because",
        "authorization": "Bearer secret",
        "content-type": JSON,
    }
    assert request.body == '{"a": "\u202e"}\n'.encode()
    lines = request.lines("as somebody")
    assert lines[1:3] == [f"PUT {request.path}", "as somebody"]
    assert "authorization: 13 characters" in lines
    assert lines[-1] == '{"a": "⟦U+202E⟧"}⟦U+000A⟧'
    assert not any("secret" in line for line in lines)
    bare = request_of(_operation(), _asked({("path", "name"): "a"}))
    assert (bare.body, dict(bare.headers)) == (None, {})


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_no_value_leads_to_another_path(name: str, mark: str) -> None:
    values = {("path", "name"): name, ("query", "mark"): mark}
    try:
        path = request_of(_operation(), _asked(values)).path
    except Malformed:
        assert name in (".", "..")
        return
    asked = urlsplit(urljoin("https://node.example:1", path))
    assert asked.netloc == "node.example:1"
    assert asked.path == f"/app/thing/{quote(name, safe='', errors='replace')}/note"
    assert asked.fragment == ""


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/app/x",
        "/{name}/x",
        "/apps/x",
        "/app",
        "app/x",
        "https://evil.example/app/x",
        "",
    ],
)
def test_a_path_below_no_frontend_is_in_no_document(path: str) -> None:
    if path == "/app":
        assert document_path(path) == "/app/api"
        return
    with pytest.raises(NoSuchEndpoint):
        document_path(path)
    operation = DescribedOperation(
        verb="POST",
        path=path,
        summary="",
        description="",
        tag="",
        is_deprecated=False,
        policies=(),
        forwarding="",
        parameters=(),
        bodies=(),
        answers=(),
    )
    assert why_not(operation)


@pytest.mark.parametrize("path", ["/app/../gov/x", "/app/./x", "/app/.."])
def test_a_documents_own_path_does_not_lead_out_either(path: str) -> None:
    with pytest.raises(Malformed, match="leads to another path"):
        request_of(_operation(path, "POST", {}), _asked({}))


def test_what_a_document_writes_in_a_path_is_no_query() -> None:
    made = request_of(_operation("/app/a?b=c#d%2e", "POST", {}), _asked({}))
    assert urlsplit(made.path).path == made.path
    assert unquote(made.path) == "/app/a?b=c#d%2e"


def test_an_endpoint_that_no_document_has_is_not_called() -> None:
    document = _document(PATH, "PUT", NOTE)
    for verb, path in (("POST", PATH), ("put", PATH), ("PUT", "/app/thing/a/note")):
        with pytest.raises(NoSuchEndpoint):
            operation_of(document, verb=verb, path=path)
    with pytest.raises(NoSuchEndpoint):
        operation_of(None, verb="PUT", path=PATH)


@pytest.mark.parametrize("frontend", ["gov", "node"])
@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_is_written_but_to_the_app(frontend: str, verb: str) -> None:
    operation = _operation(f"/{frontend}/x", verb, {})
    assert f"writes nothing below /{frontend}" in why_not(operation)
    with pytest.raises(Malformed, match="writes nothing"):
        request_of(operation, _asked({}))
    read = _operation(f"/{frontend}/x", "GET", {})
    assert request_of(read, _asked({})).path == f"/{frontend}/x"
    assert not may_write(read)


def test_what_is_signed_and_what_traces_is_not_sent() -> None:
    signed: JsonObject = {"requestBody": {"content": {"application/cose": {}}}}
    assert "is signed" in why_not(_operation("/app/x", "POST", signed))
    assert "TRACE" in why_not(_operation("/app/x", "TRACE", {}))


@pytest.mark.parametrize(
    ("verb", "forwarding", "asks"),
    [
        ("GET", "never", False),
        ("GET", "sometimes", False),
        ("HEAD", "sometimes", False),
        ("GET", "always", True),
        ("GET", "", True),
        ("POST", "never", True),
        ("OPTIONS", "never", True),
    ],
)
def test_what_may_write_is_asked_about(verb: str, forwarding: str, asks: bool) -> None:
    of: JsonObject = {"$ref": f"#/components/x-ccf-forwarding/{forwarding}"}
    operation = _operation("/app/x", verb, {"x-ccf-forwarding": of})
    assert may_write(operation) is asks


NAMED = ("path", "name")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"fields": None}, "fields"),
        ({"fields": [{}] * (FIELDS_MAX + 1)}, "fields"),
        ({"fields": [1]}, "place, name and value"),
        ({"fields": [{"place": "path", "name": "name"}]}, "place, name and value"),
        (_asked({}), "requires name"),
        (_asked({NAMED: ""}), "no value for name"),
        (_asked({NAMED: ".."}), "another path"),
        (_asked({NAMED: "a", ("query", "other"): "1"}), "no such query: other"),
        (_asked({NAMED: "a", ("header", "Host"): "evil"}), "no such header: Host"),
        (_asked({NAMED: "a", ("cookie", "c"): "1"}), "no such cookie"),
        ({"fields": _asked({NAMED: "a"})["fields"] * 2}, "no such path"),  # type: ignore[operator]
        (_asked({NAMED: "a", ("header", "X-Why"): "a\r\nb: c"}), "headers cannot"),
        (_asked({NAMED: "a", ("header", "X-Why"): "ü"}), "headers cannot"),
        ({**_asked({NAMED: "a"}), "body": 1, "media_type": JSON}, "no body of"),
        ({**_asked({NAMED: "a"}), "body": "x"}, "no body of that type"),
        (
            {**_asked({NAMED: "a"}), "body": "x", "media_type": "application/cose"},
            "no body of that type",
        ),
    ],
)
def test_what_an_endpoint_does_not_take_is_refused(
    asked: JsonObject, said: str
) -> None:
    with pytest.raises(Malformed, match=said):
        request_of(_operation(), asked)


def test_values_and_bodies_have_a_bound() -> None:
    longest = "x" * VALUE_CHARACTERS_MAX
    assert longest in request_of(_operation(), _asked({NAMED: longest})).path
    with pytest.raises(Malformed, match="characters"):
        request_of(_operation(), _asked({NAMED: longest + "x"}))
    body = "ü" * (BODY_BYTES_MAX // 2)
    sent = request_of(_operation(), _asked({NAMED: "a"}, body)).body
    assert sent is not None
    assert len(sent) == BODY_BYTES_MAX
    with pytest.raises(Malformed, match="bytes: up to"):
        request_of(_operation(), _asked({NAMED: "a"}, body + "x"))


def _reply(
    body: bytes,
    kind: str = JSON,
    *,
    status: int = 200,
    more: Mapping[str, str] | None = None,
) -> Reply:
    headers = {"content-type": kind, **(more or {})}
    return Reply(status=status, headers=headers, body=body)


def test_json_is_indented_and_what_cannot_be_seen_is_shown() -> None:
    more = {TXID_HEADER: "2.10", "x": "\x1b"}
    answer = answer_of(_reply('{"a":[1,"\u202e"]}'.encode(), more=more))
    assert answer.text == '{\n  "a": [\n    1,\n    "⟦U+202E⟧"\n  ]\n}'
    assert (answer.txid, answer.left_out, answer.is_good) == ("2.10", "", True)
    assert [each.value for each in answer.headers] == [JSON, "2.10", "⟦U+001B⟧"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"[-0]",
        b"[1.10]",
        b"[1e400]",
        b"[0.10000000000000000001]",
        b"[" * 100_000,
        b"1" * 5000,
        b"",
    ],
)
def test_what_indenting_would_change_is_shown_as_it_came(body: bytes) -> None:
    assert answer_of(_reply(body)).text == body.decode()


def test_a_number_is_not_rounded() -> None:
    numbers = b"[12345678901234567890123,-1.5]"
    assert answer_of(_reply(numbers)).text.split() == [
        *("[", "12345678901234567890123,", "-1.5", "]")
    ]


def test_an_answer_that_is_no_json_is_a_text_or_is_counted() -> None:
    assert answer_of(_reply(b'{"a":1}', "text/plain")).text == '{"a":1}'
    answer = answer_of(_reply(b"\xff\x00", "application/octet-stream"))
    assert answer.text == ""
    assert answer.left_out.startswith("2 bytes that are no text")


def test_an_answer_is_shown_up_to_a_bound() -> None:
    whole = answer_of(_reply(b"x" * SHOWN_MAX, "text/plain"))
    assert (len(whole.text), whole.left_out) == (SHOWN_MAX, "")
    cut = answer_of(_reply("ü".encode() * SHOWN_MAX, "text/plain"))
    assert len(cut.text) <= SHOWN_MAX
    assert cut.left_out == f"all but the first {SHOWN_MAX:,} of {2 * SHOWN_MAX:,} bytes"
    # A short text can be long once it is indented.
    wide = b"[" + b",".join([b"1"] * (SHOWN_MAX // 3)) + b"]"
    grown = answer_of(_reply(wide))
    assert len(grown.text) == SHOWN_MAX
    assert "characters" in grown.left_out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (204, "204 No Content: the service answered"),
        (202, "not ready yet"),
        (307, "did not follow"),
        (403, "403 Forbidden: the service refused"),
        (500, "the service failed"),
        (299, "a status that HTTP does not name"),
    ],
)
def test_a_status_is_said_in_words(status: int, said: str) -> None:
    answer = answer_of(_reply(b"", status=status))
    assert said in answer.words
    assert answer.is_good is (status < 400)
    assert answer.txid is None


@pytest.mark.parametrize(
    ("status", "good", "final"),
    [
        ("Committed", True, True),
        ("Pending", True, False),
        ("Invalid", False, True),
        ("Unknown", True, False),
        ("\x1b" * 100, True, False),
    ],
)
def test_a_transactions_standing_is_said_in_words(
    status: str,
    good: bool,
    final: bool,
) -> None:
    told = standing_of(status)
    assert (told.is_good, told.is_final) == (good, final)
    assert "\x1b" not in told.words
    assert len(told.words) < 200
