"""A console of a service that runs in the test's own process."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientSession, web

from ccfpy.base.ids import ProposalId
from ccfpy.client.review.description import Description
from ccfpy.client.review.proposal import describe
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.folders import Ledger
from ccfpy.console.guards import Guard
from ccfpy.console.server import ADDRESS, FILES, Console
from ccfpy.console.service import Service
from ccfpy.console.signing import Pen
from ccfpy.console.watching import Stream
from ccfpy.testing.node import InProcessNode, Person
from tests.lab.ports import free_ports
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import PersonsSigner, answering

TOKEN = "secret"
PAGE = dict.fromkeys(FILES, b"the page")


class Answer(NamedTuple):
    """An answer of the console."""

    status: int
    value: Any


class InProcess:
    """Runs proposals in the test's own process, which starts no other."""

    def warm(self) -> None:
        """Be ready."""

    def describe(
        self,
        state: PublicState,
        proposal_id: ProposalId,
        names: Mapping[str, str],
        shown: str = "",
    ) -> Description:
        return describe(state, proposal_id, names, shown=shown)

    def close(self) -> None:
        """Keep nothing."""


class Page:
    """Asks as the page does."""

    def __init__(self, session: ClientSession, host: str) -> None:
        self.session, self.host = session, host
        self.headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Origin": f"http://{host}",
        }

    async def ask(self, path: str, body: object = None) -> Answer:
        """Ask for an answer, by ``POST`` if there is a body."""
        method = "GET" if body is None else "POST"
        async with self.session.request(
            method,
            f"http://{self.host}{path}",
            headers=self.headers,
            data=io.BytesIO(body) if isinstance(body, bytes) else json.dumps(body),
        ) as reply:
            return Answer(reply.status, json.loads(await reply.read()))


def pen_of(person: Person) -> Pen:
    """Return a pen that signs without asking."""
    return Pen(name="alice", signer=PersonsSigner(person), confirm=None)


@asynccontextmanager
async def console(
    service: Service | None, ledger: Ledger | None = None
) -> AsyncIterator[Page]:
    """Serve a console while the context lasts."""
    host = f"{ADDRESS}:{free_ports()[0]}"
    guard = Guard(host=host, token=TOKEN)
    served = Console(
        service=service,
        ledger=ledger,
        guard=guard,
        page=PAGE,
        what_if=InProcess(),
        unawaited=InProcess,
    )
    runner = web.AppRunner(served.application(Stream()), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, int(host.rpartition(":")[2])).start()
        async with ClientSession() as session:
            yield Page(session, host)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def console_of(
    node: InProcessNode, serve: Serve, certificate: str, pen: Pen | None = None
) -> AsyncIterator[Page]:
    """Serve a console of a node."""
    async with serve(answering(node)) as url:
        service = Service(urls=[url], certificate=certificate, names=dict, pen=pen)
        async with asyncio.timeout(30), console(service) as page:
            yield page
