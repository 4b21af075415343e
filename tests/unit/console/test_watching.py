"""Nodes are asked while a page listens, and what changed is published."""

import asyncio
from pathlib import Path

import orjson

from ccfpy.console.ledger import Ledger
from ccfpy.console.lost import Lost
from ccfpy.console.recovery import Pace
from ccfpy.console.service import Service
from ccfpy.console.stream import Stream
from ccfpy.console.watching import (
    LOST,
    NETWORK,
    PROPOSALS,
    RATES,
    RECOVERY,
    look_at_network,
    look_at_proposals,
    look_at_recovery,
    watch,
)
from ccfpy.testing.node import Person
from tests.unit.audit.made import written
from tests.unit.audit.test_verification import long_ledger
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.ledger.made import small_ledger


def test_a_page_is_told_of_nodes_and_proposals(serve: Serve, service_pem: str) -> None:
    node = hosted(Person.make("alice", can_recover=True))

    async def main() -> None:
        stream = Stream()
        async with serve(answering(node)) as url, asyncio.timeout(30):
            service = Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch(service, None, stream))
                with stream.listen() as listener:
                    events = listener.events()
                    wanted = {NETWORK, PROPOSALS, RATES, RECOVERY}
                    while wanted:
                        wanted.discard(_topic(await anext(events)))
                watching.cancel()
        recovery = orjson.loads(stream.latest(RECOVERY) or b"")
        assert recovery["headline"].startswith("the service is open")
        proposals = orjson.loads(stream.latest(PROPOSALS) or b"")
        assert proposals["headline"] == "nothing waits for a vote"

    asyncio.run(main())


def test_a_service_that_nobody_reaches_is_told_as_such(
    service_pem: str, unused_port: int
) -> None:
    async def main() -> None:
        stream = Stream()
        service = Service(
            urls=[f"https://127.0.0.1:{unused_port}"],
            certificate=service_pem,
            names=dict,
            pen=None,
        )
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch(service, None, stream))
            with stream.listen() as listener:
                events = listener.events()
                topics = (NETWORK, PROPOSALS, RECOVERY)
                while not all(map(stream.latest, topics)):
                    await anext(events)
            watching.cancel()
        network = orjson.loads(stream.latest(NETWORK) or b"")
        assert network["headline"].startswith("no node answers at https://127.0.0.1")
        assert orjson.loads(stream.latest(PROPOSALS) or b"")["trouble"]
        assert orjson.loads(stream.latest(RECOVERY) or b"")["trouble"]

    asyncio.run(main())


def test_a_service_that_was_recovered_is_told_as_another(serve: Serve) -> None:
    """The console has the certificate of before; what to do is said with it."""
    node = hosted(alice := Person.make("alice", can_recover=True))

    async def main() -> None:
        async with serve(answering(node)) as url, asyncio.timeout(30):
            service = Service(
                urls=[url], certificate=alice.certificate.pem, names=dict, pen=None
            )
            network = await look_at_network(service)
            proposals = await look_at_proposals(service)
            recovery = await look_at_recovery(service, Pace())
        assert network.headline.startswith(f"another service answers at {url}")
        assert network.stands_still == f"another service answers at {url}"
        for told in (network.headline, proposals.trouble, recovery.trouble):
            assert "a recovered service has a new identity" in told
            assert "Ask its members for the new certificate" in told

    asyncio.run(main())


def test_a_page_is_told_of_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(
        folders=[written(long_ledger(), tmp_path / "ledger")],
        database=tmp_path / "index.db",
        service=None,
        processes=1,
    )

    async def main() -> None:
        stream = Stream()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch(None, ledger, stream))
            with stream.listen() as listener:
                events = listener.events()
                while b"transactions verified" not in await anext(events):
                    pass
            watching.cancel()

    asyncio.run(main())


def test_a_page_is_told_of_what_is_left_of_a_lost_service(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")

    async def main() -> None:
        stream = Stream()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            lost = Lost(folders=[folder], processes=1)
            watching = tasks.create_task(watch(None, None, stream, lost=lost))
            with stream.listen() as listener:
                events = listener.events()
                while b"can be restored" not in await anext(events):
                    pass
            watching.cancel()
        assert stream.latest(LOST)

    asyncio.run(main())


def _topic(event: bytes) -> str:
    return event.split(b"\n")[0].removeprefix(b"event: ").decode()
