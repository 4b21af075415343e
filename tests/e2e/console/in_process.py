"""A service and its console in the test's own process, on one loop in a thread.

So a test can answer the console in the service's place, as a node that lies would.
"""

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from ccfpy.base.json import Json
from ccfpy.client.governance import ACCEPT
from ccfpy.console.guards import Guard
from ccfpy.console.server import ADDRESS, Console, read_page
from ccfpy.console.service import Service
from ccfpy.console.what_if import WhatIf
from ccfpy.testing.node import GOV_VERSION, InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted

Result = TypeVar("Result")
TOKEN = "secret"
DEADLINE_S = 30
WHAT_IF_S = 60.0
"""How long the process may take for what would happen, on a slow machine."""
Lie = Callable[[str, bytes], bytes]
"""Returns what is said in place of an answer to a path."""


def truth(path: str, body: bytes) -> bytes:
    """Return the answer as it is."""
    del path
    return body


@dataclass(slots=True)
class Hosted:
    """A service that is told when to lie.

    Attributes:
        lie: what becomes of each answer.
        asked: the paths that were asked for, each with its verb.
        address: of the console.
        url: of the service.
        folder: of this service's files.
    """

    node: InProcessNode
    lie: Lie = truth
    asked: list[str] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    address: str = ""
    url: str = ""
    folder: Path = Path()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the node does, or otherwise."""
        self.asked.append(f"{request.method} {request.path}")
        told = await answering(self.node)(request)
        assert isinstance(told, web.Response)
        assert isinstance(told.body, bytes)
        said = self.lie(request.path, told.body)
        told.headers.popall("content-length", None)
        return web.Response(status=told.status, headers=told.headers, body=said)

    def ask(self, path: str) -> Any:  # noqa: ANN401  # JSON
        """Ask the node itself."""
        reply = self.apart(
            lambda: self.node.request("GET", f"{path}?api-version={GOV_VERSION}")
        )
        return json.loads(reply.body)

    def propose(self, *actions: Json) -> str:
        """Propose as the first member."""

        def proposed() -> str:
            self.node.advance(1000)
            created = self.node.govern(
                self.node.members[0],
                "members/proposals:create",
                "proposal",
                {"actions": list(actions)},
            )
            return str(json.loads(created.body)["proposalId"])

        return self.apart(proposed)

    def vote(self, proposal_id: str, person: Person, ballot: str = ACCEPT) -> None:
        """Vote for whatever a proposal asks for, or by another script."""
        path = f"members/proposals/{proposal_id}/ballots/{person.id}:submit"
        about = {"proposal_id": proposal_id}
        self.apart(
            lambda: self.node.govern(
                person, path, "ballot", {"ballot": ballot}, **about
            )
        )

    def apart(self, work: Callable[[], Result]) -> Result:
        """Work on the loop that the node is used from."""

        async def worked() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(worked(), self.loop).result(DEADLINE_S)


@contextmanager
def hosted_console(
    members: Sequence[Person],
    serve: Serve,
    certificate: str,
    *,
    what_if_s: float = WHAT_IF_S,
) -> Iterator[Hosted]:
    """Serve a console of an in-process node, without a key."""
    made = Hosted(hosted(*members))
    listening = socket.create_server((ADDRESS, 0))
    host = f"{ADDRESS}:{listening.getsockname()[1]}"
    made.address = f"http://{host}/#token={TOKEN}"
    ready, ended = threading.Event(), asyncio.Event()

    async def serving() -> None:
        async with serve(made.answer) as url:
            made.url = url
            service = Service(urls=[url], certificate=certificate, names=dict, pen=None)
            guard = Guard(host=host, token=TOKEN)
            served = Console(
                service=service,
                ledger=None,
                guard=guard,
                page=read_page(),
                what_if=WhatIf(timeout_s=what_if_s),
                unawaited=partial(WhatIf, timeout_s=what_if_s),
            )
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(served.serve(listening))
                ready.set()
                await ended.wait()
                task.cancel()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: made.loop) as runner:
            runner.run(serving())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(DEADLINE_S)
    try:
        with tempfile.TemporaryDirectory() as folder:
            made.folder = Path(folder)
            yield made
    finally:
        made.loop.call_soon_threadsafe(ended.set)
        thread.join(DEADLINE_S)
