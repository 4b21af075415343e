import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import (
    ClientError,
    NotCommitted,
    OutcomeUnknown,
    ServiceError,
    UnexpectedReply,
    Unreachable,
)
from ccfpy.client.keys import KeyFiles, OsEntropy, generate_keys
from ccfpy.client.requests import Reply
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from tests.unit.client.conftest import Answer, Connect, Serve

WHOLE_S = 30
"""How long a request may take with all waits in it."""


def _ask(
    serve: Serve, pem: str, answer: Answer, *requests: tuple[str, str]
) -> list[Reply]:
    async def ask() -> list[Reply]:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=pem) as connection,
        ):
            return [await connection.request(*request) for request in requests]

    return asyncio.run(ask())


async def _echo(request: web.Request) -> web.Response:
    body = await request.text()
    text = f"{request.method} {request.raw_path} {request.content_type} {body}"
    return web.Response(text=text)


def test_a_request_arrives_as_it_was_made(serve: Serve, service_pem: str) -> None:
    async def ask() -> str:
        async with (
            serve(_echo) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            reply = await connection.post("/app/log?scope=a%20b", {"id": 1})
            return reply.text

    assert asyncio.run(ask()) == 'POST /app/log?scope=a%20b application/json {"id":1}'


def test_a_reply_keeps_its_headers_by_lower_case_name(
    serve: Serve, service_pem: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"X-MS-CCF-Transaction-Id": "2.3"})

    (reply,) = _ask(serve, service_pem, answer, ("GET", "/"))
    assert reply.txid == TxId(2, 3)


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_keeps_method_and_body(
    serve: Serve, service_pem: str, status: int
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/backup":
            return web.Response(status=status, headers={"location": "/primary"})
        return await _echo(request)

    async def ask() -> str:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            return (await connection.post("/backup", {"a": 1})).text

    assert asyncio.run(ask()) == 'POST /primary application/json {"a":1}'


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1/", "away from HTTPS"),
        ("/again", "redirected 5 times"),
        ("https://[::1/", "redirects to no address"),
    ],
)
def test_a_redirect_is_not_followed_anywhere(
    serve: Serve, service_pem: str, location: str, reason: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": location})

    with pytest.raises(Unreachable, match=reason):
        _ask(serve, service_pem, answer, ("GET", "/"))


def test_a_server_of_another_service_is_not_trusted(
    serve: Serve, tmp_path: Path
) -> None:
    files = KeyFiles(folder=tmp_path, name="other")
    other = generate_keys(files, with_encryption_key=False)
    with pytest.raises(Unreachable, match=r"is not trusted: .* before it was recov"):
        _ask(serve, other.pem, _echo, ("GET", "/"))


def test_a_certificate_for_another_host_is_not_trusted(
    serve: Serve, service_pem: str
) -> None:
    async def ask() -> None:
        async with (
            serve(_echo) as url,
            Connection(
                url.replace("127.0.0.1", "localhost"), service_certificate=service_pem
            ) as connection,
        ):
            await connection.get("/")

    with pytest.raises(Unreachable, match="is not trusted") as refused:
        asyncio.run(ask())
    assert "recovered" not in str(refused.value)


def test_nobody_there_is_unreachable(service_pem: str, unused_port: int) -> None:
    async def ask() -> None:
        async with Connection(
            f"127.0.0.1:{unused_port}", service_certificate=service_pem
        ) as connection:
            await connection.get("/")

    with pytest.raises(Unreachable) as failed:
        asyncio.run(ask())
    address = f"https://127.0.0.1:{unused_port}"
    assert str(failed.value) == f"no answer from {address}: connection refused"


def test_a_server_that_says_nothing_is_given_up(serve: Serve, service_pem: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def ask() -> None:
        async with (
            serve(answer) as url,
            Connection(
                url, service_certificate=service_pem, timeout_s=0.1
            ) as connection,
        ):
            await connection.get("/")

    with pytest.raises(Unreachable, match="did not answer in time"):
        asyncio.run(ask())


def test_an_error_reply_is_raised_by_get_and_given_by_request(
    serve: Serve, service_pem: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "X", "message": "y"}}, status=400)

    async def ask() -> None:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            assert (await connection.request("GET", "/")).is_error
            with pytest.raises(ServiceError, match="400 X: y"):
                await connection.get("/")

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("statuses", "timeout_s", "outcome"),
    [
        (["Unknown", "Pending", "Committed"], 60, None),
        (["Pending", "Invalid"], 60, NotCommitted),
        (["Pending"], 1, NotCommitted),
        ([7], 60, UnexpectedReply),
    ],
)
def test_commit_is_waited_for(
    serve: Serve,
    service_pem: str,
    statuses: list[object],
    timeout_s: float,
    outcome: type[Exception] | None,
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        status = statuses[min(len(asked), len(statuses)) - 1]
        return web.json_response({"transaction_id": "2.9", "status": status})

    async def wait() -> None:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            await connection.wait_committed(TxId(2, 9), timeout_s=timeout_s)

    if outcome is None:
        asyncio.run(wait())
    else:
        with pytest.raises(outcome):
            asyncio.run(wait())
    assert set(asked) == {"/node/tx?transaction_id=2.9"}
    assert len(asked) >= len(statuses)


@pytest.mark.parametrize(
    "url", ["http://x", "https://", "ftp://x", "https://x:port", "https://[::1"]
)
def test_an_address_that_is_not_https_is_refused(url: str, service_pem: str) -> None:
    with pytest.raises(ClientError, match="address"):
        Connection(url, service_certificate=service_pem)


def test_a_folder_holds_all_that_is_needed(
    serve: Serve, service_pem: str, tmp_path: Path
) -> None:
    files = KeyFiles(folder=tmp_path, name="user0")
    generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
    service = tmp_path / "service_cert.pem"
    service.write_text(service_pem)

    async def ask() -> int:
        async with (
            serve(_echo) as url,
            Connection.of_folder(
                url, tmp_path, name="user0", service=service
            ) as connection,
        ):
            return (await connection.get("/")).status

    assert asyncio.run(ask()) == 200
    assert Certificate.from_pem(service_pem).is_authority
    assert OsEntropy().random_bytes(0) == b""


def _named(name: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{name} {request.method}")

    return answer


def test_a_node_that_is_gone_is_not_asked_again(
    serve: Serve, service_pem: str, unused_port: int
) -> None:
    async def ask() -> list[str]:
        async with (
            serve(_named("a")) as a,
            serve(_named("b")) as b,
            Connection(
                [f"127.0.0.1:{unused_port}", b, a], service_certificate=service_pem
            ) as connection,
        ):
            verbs = ("get", "post", "put", "patch", "delete", "options")
            return [(await getattr(connection, verb)("/x")).text for verb in verbs]

    answers = asyncio.run(ask())
    assert answers == [
        f"b {verb}" for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    ]


def test_one_node_with_another_certificate_ends_the_call(
    serve: Serve, tmp_path: Path
) -> None:
    """A service has another certificate after its recovery: people must look."""
    files = KeyFiles(folder=tmp_path, name="other")
    other = generate_keys(files, with_encryption_key=False)

    async def ask() -> None:
        async with (
            serve(_named("a")) as a,
            Connection(
                [a, "https://127.0.0.1:1"], service_certificate=other.pem
            ) as connection,
        ):
            await connection.get("/")

    with pytest.raises(Unreachable, match="is not trusted"):
        asyncio.run(ask())


def test_a_write_that_may_have_been_applied_is_not_sent_to_another_node(
    serve: Serve, service_pem: str
) -> None:
    seen: list[str] = []

    async def drop(request: web.Request) -> web.Response:
        seen.append(request.method)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def ask() -> str:
        async with (
            serve(drop) as a,
            serve(_named("b")) as b,
            Connection([a, b], service_certificate=service_pem) as connection,
        ):
            with pytest.raises(OutcomeUnknown):
                await connection.put("/x", 1)
            return (await connection.put("/x", 1)).text

    assert asyncio.run(ask()) == "b PUT"
    assert seen == ["PUT"]


def test_further_addresses_are_learned_from_the_service(
    serve: Serve, service_pem: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        interfaces = {"main": {"published_address": "127.0.0.1:9"}}
        node = {"status": "Trusted", "rpc_interfaces": interfaces}
        return web.json_response({"nodes": [node]})

    async def ask() -> bool:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            learned = await connection.learn_addresses(interface="main")
            return list(learned) == [url, "https://127.0.0.1:9"]

    assert asyncio.run(ask())


def test_one_deadline_covers_all_waits(serve: Serve, service_pem: str) -> None:
    asked: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        asked.append(time.monotonic())
        wait_s = 1 if len(asked) == 1 else WHOLE_S - 1
        return web.Response(status=503, headers={"retry-after": str(wait_s)})

    async def ask() -> tuple[int, float]:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            begun = time.monotonic()
            reply = await connection.request("POST", "/x", timeout_s=WHOLE_S)
            return reply.status, time.monotonic() - begun

    status, seconds = asyncio.run(ask())
    assert (status, len(asked)) == (503, 2), (
        "the second wait is longer than what is left"
    )
    assert 1 <= seconds < WHOLE_S


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
