"""Writes that are followed to their commit, against a service that follows a script."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Unpack

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection, wait_committed
from ccfpy.client.errors import (
    NotCommitted,
    ServiceError,
    UnexpectedReply,
    Unreachable,
)
from ccfpy.client.receipts import fetch_proof
from ccfpy.client.requests import Reply, Sending, Written
from tests.unit.client.conftest import Serve


class Service:
    """Assigns each write the next seqno, and reports statuses from a list."""

    def __init__(self, statuses: Sequence[str], *, has_ids: bool = True) -> None:
        self.statuses = list(statuses)
        self.has_ids = has_ids
        self.writes: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/node/tx":
            status = self.statuses.pop(0) if self.statuses else "Pending"
            return web.json_response({"status": status})
        if request.path == "/refused":
            error = {"error": {"code": "X", "message": "y"}}
            return web.json_response(error, status=400)
        self.writes.append(await request.text())
        headers = {"x-ms-ccf-transaction-id": f"2.{len(self.writes)}"}
        return web.Response(headers=headers if self.has_ids else {})


@pytest.fixture
def write(serve: Serve, service_pem: str) -> Callable[..., Written]:
    def write(
        service: Service, *, path: str = "/x", resends: int = 0, timeout_s: float = 20
    ) -> Written:
        async def run() -> Written:
            async with (
                serve(service.answer) as url,
                Connection(url, service_certificate=service_pem) as connection,
            ):
                return await connection.write(
                    "PUT",
                    path,
                    json={"a": 1},
                    resend_if_lost=resends,
                    timeout_s=timeout_s,
                )

        return asyncio.run(run())

    return write


def test_a_write_is_followed_until_it_is_committed(
    write: Callable[..., Written],
) -> None:
    service = Service(["Unknown", "Pending", "Committed"])
    written = write(service)
    assert (written.txid, written.lost, written.receipt) == (TxId(2, 1), (), None)
    assert service.writes == ['{"a":1}']


def test_a_lost_write_is_sent_again_as_often_as_allowed(
    write: Callable[..., Written],
) -> None:
    service = Service(["Pending", "Invalid", "Invalid", "Committed"])
    written = write(service, resends=2)
    assert written.txid == TxId(2, 3)
    assert written.lost == (TxId(2, 1), TxId(2, 2))
    assert len(service.writes) == 3


@pytest.mark.parametrize("resends", [0, 1])
def test_a_write_lost_too_often_is_reported_as_lost(
    write: Callable[..., Written], resends: int
) -> None:
    service = Service(["Invalid"] * (resends + 1))
    with pytest.raises(NotCommitted, match="was lost") as refused:
        write(service, resends=resends)
    assert refused.value.is_final
    assert len(service.writes) == resends + 1


def test_a_write_that_is_not_committed_in_time_keeps_its_id(
    write: Callable[..., Written],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One question: another might begin when no time is left for its answer.
    monkeypatch.setattr("ccfpy.client.connection.COMMIT_POLL_S", 60.0)
    with pytest.raises(NotCommitted, match="is Pending after") as refused:
        write(Service([]), timeout_s=1)
    assert (refused.value.txid, refused.value.is_final) == (TxId(2, 1), False)


def test_a_refusal_is_no_write(write: Callable[..., Written]) -> None:
    with pytest.raises(ServiceError, match="400 X: y"):
        write(Service([]), path="/refused")


def test_what_became_no_transaction_is_no_write(write: Callable[..., Written]) -> None:
    with pytest.raises(UnexpectedReply, match="PUT /x became no transaction"):
        write(Service([], has_ids=False))


def test_a_node_that_dies_after_its_answer_leaves_the_id(
    serve: Serve, service_pem: str
) -> None:
    service = Service([])

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/node/tx":
            assert request.transport is not None
            request.transport.abort()
        return await service.answer(request)

    async def run() -> None:
        async with (
            serve(answer) as url,
            Connection(
                url, service_certificate=service_pem, timeout_s=0.5
            ) as connection,
        ):
            await connection.write("POST", "/x")

    with pytest.raises(NotCommitted, match="no node says more") as refused:
        asyncio.run(run())
    assert (refused.value.txid, refused.value.is_final) == (TxId(2, 1), False)


async def _hang(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("waited", ["commit", "receipt"])
def test_a_node_that_hangs_does_not_outlast_the_time_given(
    serve: Serve, service_pem: str, waited: str
) -> None:
    async def run() -> None:
        async with (
            serve(_hang) as url,
            Connection(url, service_certificate=service_pem, timeout_s=600) as client,
        ):
            async with asyncio.timeout(30):
                if waited == "commit":
                    await client.wait_committed(TxId(2, 9), timeout_s=0.3)
                await client.verified_receipt(TxId(2, 9), timeout_s=0.3)

    with pytest.raises(NotCommitted, match=r"after 0\.3 s") as refused:
        asyncio.run(run())
    assert not refused.value.is_final


class Hanging:
    """A service that does not answer, whose client gives up before the last moment.

    Attributes:
        early_s: how long before the time that a request is given.
    """

    service_certificate = ""

    def __init__(self, early_s: float) -> None:
        self.early_s = early_s

    async def request(
        self, method: str, path: str, **options: Unpack[Sending]
    ) -> Reply:
        given_s = options.get("timeout_s")
        assert given_s is not None
        await asyncio.sleep(given_s - self.early_s)
        raise Unreachable(f"{method} {path}: given up")

    async def get(self, path: str, **options: Unpack[Sending]) -> Reply:
        return await self.request("GET", path, **options)


@pytest.mark.parametrize("wait", [wait_committed, fetch_proof])
@pytest.mark.parametrize(
    ("timeout_s", "early_s", "told"),
    [(0.2, 0.005, NotCommitted), (60, 59.9, Unreachable)],
)
def test_a_last_question_that_ends_early_leaves_nothing_committed(
    wait: Callable[..., Coroutine[object, object, object]],
    timeout_s: float,
    early_s: float,
    told: type[Exception],
) -> None:
    with pytest.raises(told):
        asyncio.run(wait(Hanging(early_s), TxId(2, 9), timeout_s=timeout_s))
