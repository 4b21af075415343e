import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from tests.unit.client.conftest import Serve


@pytest.fixture
def url(serve: Serve) -> Iterator[str]:
    """A server in a thread of its own, for a client that blocks this one."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/node/tx":
            return web.json_response({"status": "Committed"})
        headers = {"x-ms-ccf-transaction-id": "2.3"}
        return web.json_response({"method": request.method}, headers=headers)

    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    found: list[str] = []

    async def run() -> None:
        async with serve(answer) as address:
            found.append(address)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[run()])
    thread.start()
    assert ready.wait(20)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_every_method_waits_for_its_answer(url: str, service_pem: str) -> None:
    connection = Connection(url, service_certificate=service_pem)
    with BlockingConnection(connection) as service:
        assert service.get("/x").json() == {"method": "GET"}
        assert service.post("/x", {}).json() == {"method": "POST"}
        assert service.request("DELETE", "/x").json() == {"method": "DELETE"}
        for verb in ("put", "patch", "delete", "options", "get_when_ready"):
            assert getattr(service, verb)("/x").status == 200
        assert service.head("/x").body == b""
        assert service.write("POST", "/x", json={}).txid == TxId(2, 3)
        service.wait_committed(TxId(2, 3))
        with pytest.raises(UnexpectedReply):
            service.receipt(TxId(2, 3))
        with pytest.raises(UnexpectedReply):
            service.verified_receipt(TxId(2, 3))
        assert service.learn_addresses() == (url,)
        assert service.run(connection.get("/x")).status == 200
