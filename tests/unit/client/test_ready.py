import asyncio
import time

import pytest
from aiohttp import web

from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.client.reply import Reply
from tests.unit.client.conftest import Answer, Connect


def _read(connect: Connect, answer: Answer, *, timeout_s: float) -> Reply:
    async def run() -> Reply:
        async with connect(answer) as connection:
            return await connection.get_when_ready("/past", timeout_s=timeout_s)

    return asyncio.run(run())


@pytest.mark.parametrize(("headers", "least_s"), [({}, 0.5), ({"retry-after": "1"}, 2)])
def test_an_answer_is_asked_for_when_the_service_says(
    connect: Connect, headers: dict[str, str], least_s: float
) -> None:
    asked: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        asked.append(time.monotonic())
        if len(asked) < 3:
            return web.Response(status=202, headers=headers)
        return web.Response(text="then")

    assert _read(connect, answer, timeout_s=60).text == "then"
    assert asked[-1] - asked[0] >= least_s


def test_a_wait_beyond_the_deadline_is_not_begun(connect: Connect) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=202, headers={"retry-after": "3000"})

    with pytest.raises(UnexpectedReply, match="/past is not ready after 60 s"):
        _read(connect, answer, timeout_s=60)


def test_an_error_ends_the_wait(connect: Connect) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404)

    with pytest.raises(ServiceError):
        _read(connect, answer, timeout_s=60)
