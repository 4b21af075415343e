"""The arguments of an endpoint, and the response made from its result."""

import json

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.base.limits import JS_RESPONSE_HEADERS_MAX
from ccfpy.http.errors import ApiError
from ccfpy.js.engine import JsException, JsLimits, Library
from ccfpy.js.extensions.request import (
    BODY_BYTES_MAX,
    CallStage,
    Description,
    RequestExtension,
    encode_caller,
)
from ccfpy.js.quickjs import QuickJs


class SomeRequest:
    """A request with a body, by somebody who signed it in one of two ways."""

    body = b'{"a":[1]}'
    signed_content = b"signed"

    def __init__(self, caller: JsonObject | None = None) -> None:
        self.caller = caller

    def described(self) -> Description:
        caller = None if self.caller is None else encode_caller(self.caller)
        return Description(
            headers={},
            query="?",
            path="?",
            method="?",
            hostname="?",
            route="?",
            url="?",
            params={},
            caller=caller,
        )


class LongRequest(SomeRequest):
    """One whose body the engine does not keep, so that reading it asks the host."""

    body = b"[%s]" % (b" " * BODY_BYTES_MAX)


def answer(
    engine: QuickJs, body: str, request: SomeRequest | None = None
) -> RequestExtension:
    """Serve a request with a function of this body."""
    endpoint = RequestExtension(request or SomeRequest())
    source = f"export function f(request) {{ {body} }}"
    interpreter = engine.interpreter(
        Library({"/m.js": source}), [endpoint], is_reused=True
    )
    endpoint.ask(interpreter, "/m.js", "f", JsLimits())
    return endpoint


@pytest.mark.parametrize(
    "result",
    [
        "{}",
        "{ body: 'plain' }",
        "{ body: [1], statusCode: 201, headers: { a: 'b', 'Content-Type': 'x/y' } }",
        "{ body: new Uint8Array(70000), statusCode: 404.0 }",
        "{ headers: Object.fromEntries([...Array(20).keys()].map((i) => [i, 'x'])) }",
    ],
)
def test_an_answer_given_later_is_read_as_one_given_at_once(
    engine: QuickJs, result: str
) -> None:
    at_once = answer(engine, f"return {result}")
    # What else waits to run asks the host for something after the answer was given.
    later = answer(
        engine,
        "const read = () => request.body.json(); const other = Promise.resolve();"
        f"const result = other.then(() => ({result}));"
        "other.then(read).then(read).then(read).then(read); return result",
        request=LongRequest(),
    )
    for answered in (at_once, later):
        assert answered.is_answered
    assert (at_once.status, at_once.headers) == (later.status, later.headers)
    assert at_once.body == later.body


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("'plain'", "text/plain", b"plain"),
        ("{a: 1}", "application/json", b'{"a":1}'),
        ("null", "application/json", b"null"),
        ("[]", "application/json", b"[]"),
        ("0", "application/json", b"0"),
        ("() => 1", "application/json", b"undefined"),
        ("new ArrayBuffer(2)", "application/octet-stream", b"\0\0"),
        ("new Uint8Array([1, 2, 3])", "application/octet-stream", b"\1\2\3"),
        ("new Uint16Array([1, 2]).subarray(1)", "application/octet-stream", b"\2\0"),
        ("new DataView(new ArrayBuffer(1))", "application/json", b"{}"),
    ],
)
def test_the_type_of_a_body_follows_from_its_value(
    engine: QuickJs, body: str, content_type: str, expected: bytes
) -> None:
    answered = answer(engine, f"return {{ body: {body} }}")
    assert answered.is_answered
    assert (answered.status, answered.body) == (200, expected)
    assert answered.headers == {"content-type": content_type}


def test_a_result_without_a_body_has_no_type_either(engine: QuickJs) -> None:
    answered = answer(engine, "return { statusCode: 204 }")
    assert (answered.status, answered.body, answered.headers) == (204, b"", {})


def test_what_a_script_does_to_a_request_is_not_seen_in_the_next(
    engine: QuickJs,
) -> None:
    caller: JsonObject = {"policy": "p", "id": "i", "data": None, "cert": "c"}
    endpoint = RequestExtension(SomeRequest(caller))
    source = """
      const form = (it) => Object.entries(Object.getOwnPropertyDescriptors(it));
      export function look(request) {
        const parts = [request, request.body, request.caller];
        return { body: JSON.stringify([parts, parts.map(form)]) };
      }
      export function spoil(request) {
        for (const it of [request, request.body, request.caller]) {
          const [first, second, third] = Object.keys(it);
          it.more = 1;
          delete it[first];
          Object.defineProperty(it, second, { get() { return 1; } });
          Object.defineProperty(it, third, { enumerable: false });
          Object.setPrototypeOf(it, null);
          Object.freeze(it);
        }
        return {};
      }
    """
    interpreter = engine.interpreter(
        Library({"/m.js": source}), [endpoint], is_reused=True
    )
    seen = []
    for function in ("look", "spoil", "look"):
        endpoint.begin()
        endpoint.ask(interpreter, "/m.js", function, JsLimits())
        seen.append(endpoint.body)
    assert json.loads(seen[0])[0][2] == caller
    assert seen == [seen[0], b"", seen[0]]


@pytest.mark.parametrize("odd", ["", "é", "€", "\U0001f600"])
def test_a_text_of_any_length_crosses_whole(engine: QuickJs, odd: str) -> None:
    """Short and long texts are copied in different ways, and so are those of ASCII."""
    letters = "".join(chr(ord("0") + i % 75) for i in range(70))
    for length in range(70):
        for at in {0, length // 2, max(length - 1, 0), length}:
            text = letters[:at] + odd + letters[at:length]
            request = SomeRequest({"policy": "p", "id": text})
            request.body = text.encode()
            answered = answer(
                engine,
                "const { body, caller } = request; "
                "const isSame = body.text() === caller.id;"
                "return { body: caller.id, headers: { isSame } }",
                request=request,
            )
            assert answered.body.decode() == text
            assert answered.headers["issame"] == "true"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_can_have_no_body_has_none(engine: QuickJs, status: int) -> None:
    answered = answer(engine, f"return {{ statusCode: {status}, body: 'lost' }}")
    assert (answered.status, answered.body) == (status, b"")
    assert answer(engine, "return { statusCode: 203, body: 'kept' }").body == b"kept"


def test_headers_are_texts_under_lower_case_names(engine: QuickJs) -> None:
    headers = "{ 'Content-Type': 'a/b', 'X-N': 5, 'x-u': undefined }"
    answered = answer(engine, f"return {{ body: 'x', headers: {headers} }}")
    expected = {"content-type": "a/b", "x-n": "5", "x-u": "undefined"}
    assert answered.headers == expected


def test_a_guest_has_no_say_in_how_its_answer_is_framed(engine: QuickJs) -> None:
    headers = "{ 'Content-Length': 1, 'transfer-encoding': 'chunked', Connection: 'x' }"
    assert answer(engine, f"return {{ headers: {headers} }}").headers == {}


@pytest.mark.parametrize(
    ("result", "what"),
    [
        ("undefined", "not an object"),
        ("null", "not an object"),
        ("'text'", "not an object"),
        ("{ statusCode: 200.5 }", "status code type"),
        ("{ statusCode: '200' }", "status code type"),
        ("{ statusCode: 99 }", "status code type"),
        ("{ statusCode: 1000 }", "status code type"),
        ("{ headers: { a: Symbol() } }", "header value type"),
        ("{ headers: { a: 'x\\r\\nb: c' } }", "header value type"),
        ("{ headers: { a: '\\x7f' } }", "header value type"),
        ("{ headers: { a: Object.create(null) } }", "header value type"),
        ("{ headers: { 'a b': 'c' } }", "header type"),
        ("{ headers: { '': 'c' } }", "header type"),
    ],
)
def test_what_is_no_response_is_refused(
    engine: QuickJs, result: str, what: str
) -> None:
    with pytest.raises(ApiError) as caught:
        answer(engine, f"return {result}")
    expected = f"Invalid endpoint function return value ({what})."
    assert (caught.value.status, caught.value.message) == (500, expected)


def test_a_response_has_so_many_headers_and_no_more(engine: QuickJs) -> None:
    body = """
        const headers = {{}};
        for (let i = 0; i < {}; i++) headers["x" + i] = i;
        return {{ headers }};
    """
    answered = answer(engine, body.format(JS_RESPONSE_HEADERS_MAX))
    assert len(answered.headers) == JS_RESPONSE_HEADERS_MAX
    with pytest.raises(ApiError):
        answer(engine, body.format(JS_RESPONSE_HEADERS_MAX + 1))


def test_a_body_that_is_no_json_is_told_apart_from_a_throw(engine: QuickJs) -> None:
    endpoint = RequestExtension(SomeRequest())
    source = "export function f() { return { body: { get a() { throw Error('x') } } } }"
    interpreter = engine.interpreter(
        Library({"/m.js": source}), [endpoint], is_reused=True
    )
    with pytest.raises(JsException):
        endpoint.ask(interpreter, "/m.js", "f", JsLimits())
    assert endpoint.stage is CallStage.WRITING_JSON
    endpoint.begin()
    assert (endpoint.stage, endpoint.is_answered) == (CallStage.EXECUTING, False)


def test_a_body_can_be_read_in_three_ways(engine: QuickJs) -> None:
    body = """
        const { body } = request;
        return { body: [body.text(), body.json().a, body.arrayBuffer().byteLength] };
    """
    assert json.loads(answer(engine, body).body) == ['{"a":[1]}', [1], 9]


@pytest.mark.parametrize("method", ["text", "json", "arrayBuffer"])
def test_reading_a_body_takes_no_arguments(engine: QuickJs, method: str) -> None:
    with pytest.raises(JsException) as caught:
        answer(engine, f"request.body.{method}(1)")
    assert caught.value.reason == "TypeError: Passed 1 arguments, but expected none"


def test_what_a_caller_signed_is_in_its_place(engine: QuickJs) -> None:
    signer: JsonObject = {"policy": "user_cose_sign1", "id": "x", "cose": {}}
    body = "return {{ body: request.caller{}.cose.content }}"
    assert answer(engine, body.format(""), SomeRequest(signer)).body == b"signed"
    both: JsonObject = {
        "policy": ["jwt", "user_cose_sign1"],
        "jwt": {"policy": "jwt"},
        "user_cose_sign1": signer,
    }
    place = body.format(".user_cose_sign1")
    assert answer(engine, place, SomeRequest(both)).body == b"signed"


def test_a_promise_is_waited_for(engine: QuickJs) -> None:
    body = "return Promise.resolve(1).then((n) => ({ body: n + 1 }))"
    assert answer(engine, body).body == b"2"


def test_a_promise_that_is_broken_throws(engine: QuickJs) -> None:
    with pytest.raises(JsException) as caught:
        answer(engine, "return Promise.reject(new Error('late'))")
    assert caught.value.reason == "Error: late"
