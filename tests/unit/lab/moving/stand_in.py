"""A stand-in for a service whose clients the lab's clients are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from ccfpy.local.configuration import ServiceOptions
from ccfpy.local.network import ProcessNetwork
from tests.lab.moving.writers import Observed, Writers
from tests.unit.client.conftest import Serve


@dataclass
class Service:
    """Takes each write, shows none, and says of a transaction what a script says.

    Attributes:
        statuses: of one transaction after the other; the last one is said from then on.
        written: how many writes came.
    """

    statuses: list[str]
    written: int = field(default=0, init=False)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/node/tx":
            many = len(self.statuses) > 1
            status = self.statuses.pop(0) if many else self.statuses[0]
            return web.json_response({"status": status})
        if request.path == "/node/commit":
            body = {"transaction_id": "4.9", "view_history": ["2.1", "4.8"]}
            return web.json_response(body)
        if request.method == "POST":
            self.written += 1
            return web.json_response(
                True, headers={"x-ms-ccf-transaction-id": f"2.{self.written}"}
            )
        error = {"error": {"code": "ResourceNotFound", "message": "none"}}
        return web.json_response(error, status=404)


@asynccontextmanager
async def clients_of(
    service: Service, *, serve: Serve, service_pem: str, folder: Path
) -> AsyncIterator[tuple[Writers, Observed, str]]:
    """Serve, and yield the lab's clients, a connection of theirs, and the address."""
    options = ServiceOptions(
        workspace=folder, app="logging", constitution=(), program=("node",)
    )
    options.shared.mkdir(parents=True)
    options.service_certificate.write_text(service_pem)
    network = ProcessNetwork(options)
    network.make_keys(options.users)
    writers = Writers(network, pause_s=0)
    async with serve(service.answer) as url, writers.connect([url]) as connection:
        yield writers, connection, url
