"""A page gets the whole state, then what is newest, and never what is out of date."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ccfpy.console import stream as streams
from ccfpy.console.stream import LISTENERS_MAX, Stream, TooManyListeners, event


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
