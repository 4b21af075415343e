"""Nodes are asked while a page listens; a page gets what is newest, never older."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from ccfpy.console import watching as streams
from ccfpy.console.folders import Ledger, Lost
from ccfpy.console.recovery import Pace
from ccfpy.console.service import Service
from ccfpy.console.watching import (
    LISTENERS_MAX,
    LOST,
    NETWORK,
    PROPOSALS,
    RATES,
    RECOVERY,
    Stream,
    TooManyListeners,
    event,
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


async def _next(events: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(events), 30)


def test_a_page_begins_with_what_is_known() -> None:
    async def main() -> None:
        stream = Stream()
        stream.publish("network", b"1")
        stream.publish("network", b"2")
        stream.publish("proposals", b"3")
        with stream.listen() as listener:
            events = listener.events()
            assert await _next(events) == event("network", b"2")
            assert await _next(events) == event("proposals", b"3")
            stream.publish("network", b"4")
            stream.publish("network", b"5")
            assert await _next(events) == event("network", b"5")
        assert stream.latest("network") == b"5"
        assert stream.latest("other") is None

    asyncio.run(main())


def test_an_event_is_one_line_of_data() -> None:
    assert event("network", b'{"a":1}') == b'event: network\ndata: {"a":1}\n\n'


def test_nodes_are_asked_only_while_a_page_listens() -> None:
    async def main() -> None:
        stream = Stream()
        assert not stream.is_heard.is_set()
        with stream.listen():
            with stream.listen():
                assert stream.is_heard.is_set()
            assert stream.is_heard.is_set()
        assert not stream.is_heard.is_set()

    asyncio.run(main())


def test_so_many_pages_listen_and_no_more() -> None:
    async def main() -> None:
        stream = Stream()
        listening = [stream.listen() for _ in range(LISTENERS_MAX)]
        for each in listening:
            each.__enter__()
        with pytest.raises(TooManyListeners), stream.listen():
            pass
        listening[0].__exit__(None, None, None)
        with stream.listen():
            pass

    asyncio.run(main())


def test_a_quiet_stream_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.01)

    async def main() -> None:
        with Stream().listen() as listener:
            assert await _next(listener.events()) == streams.HEARTBEAT

    asyncio.run(main())
