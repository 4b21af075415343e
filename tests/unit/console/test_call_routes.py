"""Requests that are filled in on the page are sent, or refused with a reason."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.keys import ChosenFiles, write_private
from ccfpy.console.calls import BODY_BYTES_MAX
from ccfpy.console.routes import QUESTION_BYTES_MAX
from ccfpy.console.service import Service
from ccfpy.console.signing import Confirm, Pen, nobody
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import PersonsSigner, answering, hosted
from tests.unit.console.served import Answer, Page, console, pen_of

ALICE, ULRICH = Person.make("alice", can_recover=True), Person.make("ulrich")
OPEN = "/app/log/private/anonymous"
WRITE: JsonObject = {
    "verb": "POST",
    "path": OPEN,
    "fields": [],
    "body": '{"id": 1, "msg": "Hello"}',
    "media_type": "application/json",
}
READ: JsonObject = {"verb": "GET", "path": "/node/state", "fields": []}
Use = Callable[[Page], Awaitable[Any]]


@pytest.fixture(scope="module")
def node() -> InProcessNode:
    made = hosted(ALICE)
    cert = ULRICH.certificate.pem
    assert made.propose({"name": "set_user", "args": {"cert": cert}}).status == 200
    return made


def _pen(person: Person, folder: Path) -> Pen:
    """Return a pen whose key is in a file."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_text(person.certificate.pem)
    write_private(key, person.key.pem)
    files = ChosenFiles(name="ulrich", certificate=certificate, private_key=key)
    signer = PersonsSigner(person)
    return Pen(name="ulrich", signer=signer, confirm=None, identity=files)


@pytest.fixture
def use(node: InProcessNode, serve: Serve, service_pem: str) -> Callable[..., Any]:
    """Return what uses a console of the node, with or without a key."""

    async def used(page: Use, pen: Pen | None, confirm: Confirm | None) -> object:
        async with serve(answering(node)) as url:
            service = Service(
                urls=[url],
                certificate=service_pem,
                names=dict,
                pen=pen,
                confirm=confirm,
            )
            async with asyncio.timeout(30), console(service) as asked:
                return await page(asked)

    def run(
        page: Use, pen: Pen | None = None, confirm: Confirm | None = None
    ) -> object:
        return asyncio.run(used(page, pen, confirm))

    return run


def _form(verb: str, path: str) -> Use:
    return lambda page: page.ask(f"/api/call?verb={verb}&path={path}")


def _send(asked: Json) -> Use:
    return lambda page: page.ask("/api/call", asked)


def test_a_form_says_what_is_filled_in_and_as_whom(use: Callable[..., Any]) -> None:
    status, form = use(_form("POST", OPEN))
    assert (status, form["why_not"], form["asks"]) == (200, "", False)
    assert form["sender"].startswith("without a certificate")
    (body,) = form["bodies"]
    assert set(json.loads(body["text"])) == {"id", "msg"}
    assert use(_form("POST", OPEN), None, nobody).value["asks"] is True
    assert use(_form("GET", "/node/state"), None, nobody).value["asks"] is False
    _, form = use(_form("POST", "/gov/members/proposals:create"))
    assert "writes nothing below /gov" in form["why_not"]


def test_a_write_is_sent_and_followed_until_it_is_committed(
    use: Callable[..., Any],
) -> None:
    async def write(page: Page) -> None:
        status, answer = await page.ask("/api/call", WRITE)
        assert (status, answer["status"]) == (200, 200), answer
        assert answer["words"] == "200 OK: the service answered"
        while True:
            standing = (await page.ask(f"/api/call/{answer['txid']}")).value
            if standing["is_final"]:
                break
        assert standing["words"].startswith("committed")

    use(write)


def test_nothing_is_sent_that_nobody_agreed_to(
    use: Callable[..., Any], node: InProcessNode
) -> None:
    shown: list[str] = []

    async def refuses(lines: Sequence[str]) -> bool:
        shown.extend(lines)
        return False

    before = node.request("GET", "/node/commit").body
    status, refused = use(_send(WRITE), None, refuses)
    assert (status, refused["error"]) == (409, "the person at the terminal said no")
    assert f"POST {OPEN}" in shown
    assert '{"id": 1, "msg": "Hello"}' in shown
    status, refused = use(_send(WRITE), None, nobody)
    assert (status, "nobody is here" in refused["error"]) == (409, True)
    assert node.request("GET", "/node/commit").body == before
    status, answer = use(_send(READ), None, nobody)
    assert (status, answer["status"]) == (200, 200), "what only reads is not asked"


def test_what_the_service_refuses_is_an_answer(use: Callable[..., Any]) -> None:
    field: Json = {"place": "query", "name": "id", "value": "1"}
    status, answer = use(
        _send({"verb": "GET", "path": "/app/log/private", "fields": [field]})
    )
    assert (status, answer["status"], answer["is_good"]) == (200, 401, False)
    assert '"code": "InvalidAuthenticationInfo"' in answer["text"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({}, 400, "verb and path"),
        ({"verb": "GET", "path": "/app/none", "fields": []}, 404, "no GET /app/none"),
        ({"verb": "GET", "path": "//x/app", "fields": []}, 404, "no frontend"),
        (
            {"verb": "POST", "path": "/gov/members/proposals:create", "fields": []},
            400,
            "writes nothing below /gov",
        ),
        ({**WRITE, "media_type": "text/html"}, 400, "no body of that type"),
        ({**WRITE, "body": "x" * (BODY_BYTES_MAX + 1)}, 400, "bytes"),
    ],
)
def test_what_may_not_be_sent_is_refused_in_a_sentence(
    use: Callable[..., Any], asked: Json, status: int, said: str
) -> None:
    answer = use(_send(asked))
    assert answer.status == status
    assert said in answer.value["error"]


@pytest.mark.parametrize(
    ("size", "status"), [(QUESTION_BYTES_MAX, 400), (QUESTION_BYTES_MAX + 1, 413)]
)
def test_a_page_asks_with_so_many_bytes_and_no_more(
    use: Callable[..., Any], size: int, status: int
) -> None:
    async def ask(page: Page) -> Answer:
        return await page.ask("/api/call", b"x" * size)

    assert use(ask).status == status


@pytest.mark.parametrize(
    ("left_out", "changed", "status"),
    [
        ("Authorization", {}, 401),
        ("Origin", {}, 403),
        ("", {"Origin": "http://evil.example"}, 403),
        ("", {"Host": "localhost"}, 421),
    ],
)
def test_another_page_sends_nothing(
    use: Callable[..., Any], left_out: str, changed: Mapping[str, str], status: int
) -> None:
    async def ask(page: Page) -> int:
        headers = {**page.headers, **changed}
        headers.pop(left_out, None)
        url = f"http://{page.host}/api/call"
        async with page.session.post(url, headers=headers, json=WRITE) as reply:
            return reply.status

    assert use(ask) == status


def test_a_user_calls_and_does_not_vote(
    use: Callable[..., Any], tmp_path: Path
) -> None:
    async def look(page: Page) -> tuple[Any, Any]:
        start = (await page.ask("/api/start")).value
        form = await page.ask("/api/call?verb=GET&path=/app/log/private")
        if start["signer"] is None:
            status, refused = await page.ask("/api/acknowledge", {})
            assert status == 409
            assert "is a user, and no member" in refused["error"]
        return start, form.value["sender"]

    start, sender = use(look, _pen(ULRICH, tmp_path))
    assert (start["signer"], start["caller"]) == (None, "ulrich")
    assert sender == "as the user ulrich"
    start, sender = use(look, pen_of(ALICE))
    assert (start["signer"], start["caller"]) == ("alice", None)
    assert sender == "without a certificate: alice is no user here"
    start, sender = use(look, pen_of(ULRICH))
    assert (start["signer"], start["caller"]) == (None, None)
    assert "in no file" in sender


def test_a_user_shows_a_certificate(use: Callable[..., Any], tmp_path: Path) -> None:
    """The stand-in for TLS asks for none, so that it is seen whether files are read."""
    pen = _pen(ULRICH, tmp_path)
    assert use(_send(READ), pen).status == 200
    (tmp_path / "key.pem").unlink()
    status, refused = use(_send(READ), pen)
    assert (status, "cannot use the identity ulrich" in refused["error"]) == (502, True)


def test_an_app_does_not_lead_a_request_to_another_path(
    serve: Serve, service_pem: str
) -> None:
    asked: list[str] = []
    document: JsonObject = {"paths": {"/app/x": {"post": {}}}}

    async def answers(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        if request.path == "/app/api":
            return web.json_response(document)
        return web.Response(status=307, headers={"location": "/gov/y"})

    async def main() -> Answer:
        async with serve(answers) as url:
            service = Service(
                urls=[url], certificate=service_pem, names=dict, pen=None, confirm=None
            )
            async with asyncio.timeout(30), console(service) as page:
                sent = {"verb": "POST", "path": "/app/x", "fields": []}
                return await page.ask("/api/call", sent)

    status, answer = asyncio.run(main())
    assert (status, answer["status"]) == (200, 307)
    assert asked == ["GET /app/api", "POST /app/x"]
