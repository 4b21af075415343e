"""A service's documents are fetched, as far as it has them."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from ccfpy.client.errors import UnexpectedReply
from ccfpy.console.api_documents import fetch_documents
from tests.unit.client.conftest import Connect

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
