"""The installed app, as far as a service tells of it, and its page of endpoints."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from aiohttp import web

from apps.logging.app import app as logging
from ccfpy.base.json import Json, dumps
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.console.answers import AppPage, Markup, ModulePage
from ccfpy.console.app import (
    TAGS,
    NoSuchModule,
    app_page,
    fetch_documents,
    markup,
    module_page,
    natural,
)
from ccfpy.console.proposal import NOT_TOLD, Stories
from ccfpy.endpoints.api_page.document import CALLERS, EVERYBODY, ApiDocument
from ccfpy.endpoints.api_page.example import CurlCaller
from ccfpy.endpoints.api_page.page import articles
from tests.unit.client.conftest import Connect, Serve
from tests.unit.console.told import ACCEPTED, ALICE

EVIL = "/<b>\u202e.js"
ENDPOINT: Json = {
    "js_module": "m.js",
    "js_function": "read",
    "mode": "readonly",
    "forwarding_required": "never",
    "authn_policies": ["jwt", {"all_of": ["user_cert", "member_cert"]}],
}
BOTH = "users with a certificate, members with a certificate"
OPEN: Json = {"js_module": EVIL, "js_function": "f", "authn_policies": ["no_auth"]}
APP: dict[str, bytes] = {
    "/app/api": b'{"info": {"title": "Generic"}}',
    "/gov/service/javascript-app": dumps(
        {"endpoints": {"/read": {"GET": ENDPOINT}, "/open": {"POST": OPEN}}}
    ),
    "/gov/service/javascript-modules": dumps(
        {"value": [{"moduleName": "/m.js"}, {"moduleName": EVIL}]}
    ),
    "/gov/service/javascript-modules/%2Fm.js": "one\ntwo\u202e\n".encode(),
    "/node/js_metrics": dumps(
        {
            "max_heap_size": 100 << 20,
            "max_stack_size": 1000,
            "max_execution_time": 1000,
            "bytecode_size": 12_088,
            "bytecode_used": False,
        }
    ),
}

Read = Callable[[Connection], Coroutine[Any, Any, Any]]


@pytest.fixture
def asked(serve: Serve, service_pem: str) -> Callable[[dict[str, bytes], Read], Any]:
    """Return what asks a service that has some answers."""

    async def ask(answers: dict[str, bytes], read: Read) -> object:
        async def answer(request: web.Request) -> web.Response:
            # The slashes of a module's name must arrive as they were sent.
            body = answers.get(request.rel_url.raw_path)
            return web.Response(status=404 if body is None else 200, body=body or b"{}")

        async with (
            serve(answer) as url,
            asyncio.timeout(30),
            Connection(url, service_certificate=service_pem) as connection,
        ):
            return await read(connection)

    return lambda answers, read: asyncio.run(ask(answers, read))


def _page(connection: Connection, *stories: Any) -> Coroutine[Any, Any, AppPage]:  # noqa: ANN401
    told = Stories(told=stories, why_not="" if stories else NOT_TOLD)
    return app_page(
        connection,
        told,
        actions_of=lambda _: ("set_js_app",),
        named=lambda each: "alice" if each == ALICE else "bob",
        url="https://node.example",
    )


def test_endpoints_modules_and_limits_are_told(
    asked: Callable[[dict[str, bytes], Read], AppPage],
) -> None:
    page = asked(APP, _page)
    assert page.headline == "a JavaScript app of 2 endpoints in 2 modules"
    assert [(row.verb, row.path, row.who) for row in page.endpoints] == [
        ("POST", "/open", EVERYBODY),
        (
            "GET",
            "/read",
            f"{CALLERS['jwt']} or callers who are all of: {BOTH}",
        ),
    ]
    assert [(each.name, each.value) for each in page.limits] == [
        ("memory of a call", "100 MiB"),
        ("stack of a call", "1,000 bytes"),
        ("time of a call", "1,000 ms"),
        ("compiled code in the ledger", "11.8 KiB"),
    ]
    assert page.installed is None
    assert page.not_known == (NOT_TOLD,)
    assert len(page.documents) == 1


def test_numbers_in_names_are_sorted_by_their_size() -> None:
    names = ["/thing/10", "/thing/2", "/", "/thing/2/a", "/2", "thing", "/thing/10/1"]
    assert sorted(names, key=natural) == [
        *("/", "/2", "/thing/2", "/thing/2/a", "/thing/10", "/thing/10/1", "thing")
    ]


def test_a_name_that_cannot_be_seen_is_shown_by_its_number(
    asked: Callable[[dict[str, bytes], Read], AppPage],
) -> None:
    page = asked(APP, _page)
    assert [(each.name, each.shown) for each in page.modules] == [
        (EVIL, "/<b>⟦U+202E⟧.js"),
        ("/m.js", "/m.js"),
    ]


def test_the_proposal_that_installed_the_app_is_named(
    asked: Callable[[dict[str, bytes], Read], AppPage],
) -> None:
    installed = asked(APP, lambda each: _page(each, ACCEPTED)).installed
    assert installed is not None
    assert installed.proposal_id == ACCEPTED.proposalId
    assert (installed.by, installed.in_favour) == ("alice", ("alice", "bob"))
    assert (installed.txid, installed.at) == ("2.14", 1_002_000)


def test_a_service_without_scripts_says_so(
    asked: Callable[[dict[str, bytes], Read], AppPage],
) -> None:
    page = asked({"/app/api": APP["/app/api"]}, _page)
    assert page.headline == "Generic: no JavaScript app is installed"
    assert page.not_known == ("this service does not tell the limits of scripts",)


def test_a_module_is_shown_line_by_line(
    asked: Callable[[dict[str, bytes], Read], ModulePage],
) -> None:
    page = asked(APP, lambda each: module_page(each, "/m.js"))
    assert page.lines == ("one", "two⟦U+202E⟧")
    assert [row.path for row in page.endpoints] == ["/read"]
    with pytest.raises(NoSuchModule, match=r"no module /n\.js"):
        asked(APP, lambda each: module_page(each, "/n.js"))


CALLER = CurlCaller(url="https://node.example", folder="KEYS")


def _all(part: Markup) -> Iterator[Markup]:
    yield part
    for inner in part.inner:
        yield from _all(inner)


def _text(part: Markup) -> str:
    return "".join(each.text for each in _all(part))


def test_every_operation_is_an_element_that_can_be_found() -> None:
    document = logging.openapi()
    (html,) = articles([ApiDocument(document)], CALLER)
    made = markup(html)
    operations = [each for each in _all(made) if each.tag == "details"]
    paths = document["paths"]
    assert isinstance(paths, dict)
    found = [each for path in paths for each in operations if path in each.search]
    assert len(operations) > 10
    assert {each.search for each in found} == {each.search for each in operations}
    assert "curl --cacert KEYS/service_cert.pem" in _text(made)


def test_text_of_strangers_stays_text() -> None:
    evil = "<script>evil()</script><b onclick=evil()>"
    (html,) = articles([ApiDocument({"info": {"title": evil}})], CALLER)
    made = markup(html)
    assert {each.tag for each in _all(made)} <= TAGS | {""}
    assert evil in _text(made)


def test_elements_that_the_renderer_does_not_write_are_dropped() -> None:
    made = markup('<p class="a">x<iframe src="y">z</iframe></p>')
    (paragraph,) = made.inner
    assert (paragraph.tag, paragraph.kind) == ("p", "a")
    assert [each.text for each in paragraph.inner] == ["x", "z"]


Answers = dict[str, bytes]


@pytest.fixture
def titles(connect: Connect) -> Callable[[Answers], list[str]]:
    """Return what fetches documents of a service, and returns their titles."""

    async def fetch(answers: Answers) -> list[str]:
        async def answer(request: web.Request) -> web.Response:
            body = answers.get(request.path)
            return web.Response(status=404 if body is None else 200, body=body or b"{}")

        async with connect(answer) as connection:
            return [each.title for each in await fetch_documents(connection)]

    return lambda answers: asyncio.run(fetch(answers))


def test_documents_that_are_not_there_are_left_out(
    titles: Callable[[Answers], list[str]],
) -> None:
    found = {"/node/api": b'{"info": {"title": "Node"}}', "/gov/api": b"{}"}
    assert titles(found) == ["Untitled", "Node"]


@pytest.mark.parametrize("answers", [{}, {"/app/api": b"[]"}])
def test_no_document_is_an_error(
    titles: Callable[[Answers], list[str]], answers: Answers
) -> None:
    with pytest.raises(UnexpectedReply, match="no OpenAPI document"):
        titles(answers)
