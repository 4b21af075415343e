from ccfpy.endpoints.awaited import Awaited
from ccfpy.endpoints.replies import (
    bytes_reply,
    empty_reply,
    for_who_takes_json,
    json_reply,
    text_reply,
)
from tests.unit.endpoints.world import StoreNode, context_of


def test_json_is_compact_and_sorted() -> None:
    response = json_reply({"b": 1, "a": 2}, status=201, headers={"etag": "x"})
    assert response.status == 201
    assert response.body == b'{"a":2,"b":1}'
    assert response.headers == {"content-type": "application/json", "etag": "x"}
    assert json_reply(1).headers == {"content-type": "application/json"}


def test_text_and_bytes_say_what_they_are() -> None:
    assert text_reply("ü", status=202).body == "ü".encode()
    assert text_reply("x").headers == {"content-type": "text/plain"}
    assert bytes_reply(b"\xff").headers == {"content-type": "application/octet-stream"}
    assert bytes_reply(b"x", content_type="image/png").headers == {
        "content-type": "image/png"
    }


def test_an_empty_reply_has_headers_of_its_own() -> None:
    given = {"allow": "GET"}
    response = empty_reply(405, given)
    response.headers["more"] = "x"
    assert given == {"allow": "GET"}
    assert (empty_reply().status, empty_reply().body) == (204, b"")


def test_a_response_that_comes_later_is_let_through() -> None:
    awaited = Awaited()
    context = context_of(StoreNode(), headers={"accept": "text/html"})
    assert for_who_takes_json(lambda _: awaited)(context) is awaited
