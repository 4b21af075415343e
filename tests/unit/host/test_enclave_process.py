"""A real child, in each loop: what is heard of it, and how it is ended."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import Effect, SendData
from ccfpy.boundary.events import Event, SessionData
from ccfpy.boundary.wire import EFFECTS, EVENTS
from ccfpy.host.enclave_process import EnclaveProcess, pipe_pair
from tests.unit.host.waiting import run, wait_until

pytestmark = pytest.mark.usefixtures("each_loop")

ECHO = Path(__file__).with_name("echo_enclave.py")
FLOOD = 8 << 20
"""Far more than a pipe keeps."""
LAST_WORDS = f"""
import os, sys
from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import SendData
from ccfpy.boundary.wire import EFFECTS
reading, writing = map(int, sys.argv[1:])
os.read(reading, 1)
os.close(reading)
said = EFFECTS.encode([SendData(session=SessionId(1), data=bytes({FLOOD}))])
while said:
    said = said[os.write(writing, said):]
raise SystemExit(9)
"""


class _Observer:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.lost: list[str] = []
        self.moods: list[str] = []

    def effects_received(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, SendData):
                self.said += effect.data

    def link_congested(self) -> None:
        self.moods.append("congested")

    def link_cleared(self) -> None:
        self.moods.append("cleared")

    def link_lost(self, reason: str) -> None:
        self.lost.append(reason)


def _process(*words: str) -> EnclaveProcess[Event, Effect]:
    return EnclaveProcess(
        lambda ends: [sys.executable, *words, *map(str, ends)],
        events=EVENTS,
        effects=EFFECTS,
    )


async def _echo(observer: _Observer) -> EnclaveProcess[Event, Effect]:
    process = _process(str(ECHO), "app")
    await process.start(observer)
    return process


def _word(word: str) -> SessionData:
    return SessionData(session=SessionId(1), data=word.encode())


def test_what_it_is_told_it_answers() -> None:
    async def story() -> None:
        observer = _Observer()
        process = await _echo(observer)
        process.send([_word("hello")])
        await wait_until(lambda: observer.said == b"hello", "the echo")
        process.stop()
        assert process.exit_code == 0
        assert observer.lost == []

    run(story())


@pytest.mark.newest
def test_its_last_words_are_heard_though_it_is_gone_and_was_told_more() -> None:
    async def story() -> None:
        observer = _Observer()
        process = _process("-c", LAST_WORDS)
        await process.start(observer)
        process.send([_word("x" * FLOOD)])  # more than the pipe takes: writing fails
        await wait_until(lambda: observer.lost, "its end")
        assert len(observer.said) == FLOOD
        assert observer.lost == ["the enclave process ended with code 9"]
        process.send([_word("nobody hears it")])
        process.stop()

    run(story())


def test_who_never_speaks_is_lost_too() -> None:
    async def story() -> None:
        observer = _Observer()
        process = _process("-c", "raise SystemExit(5)")
        await process.start(observer)
        await wait_until(lambda: observer.lost, "its end")
        assert observer.lost == ["the enclave process ended with code 5"]
        process.stop()

    run(story())


def test_what_breaks_the_protocol_is_left() -> None:
    async def story() -> None:
        observer = _Observer()
        program = "import os, sys; os.write(int(sys.argv[2]), bytes([255] * 4))"
        process = _process("-c", program)
        await process.start(observer)
        await wait_until(lambda: observer.lost, "its end")
        (reason,) = observer.lost
        assert reason.startswith("the enclave broke the boundary's protocol: a frame")
        process.stop()
        assert process.exit_code == 0

    run(story())


@pytest.mark.newest
@pytest.mark.parametrize(
    ("word", "ends"),
    [
        pytest.param(f"flood {FLOOD}", (0, 1), id="it writes, and nobody reads"),
        pytest.param("x" * FLOOD, (0,), id="it has not read all"),
    ],
)
def test_whatever_it_is_at_it_is_ended_at_once(word: str, ends: Sequence[int]) -> None:
    async def story() -> None:
        observer = _Observer()
        process = await _echo(observer)
        process.send([_word("hello")])
        await wait_until(lambda: observer.said, "the echo")
        process.send([_word(word)])
        process.stop()  # this loop has no turn to read or write in
        assert process.exit_code in ends, "it was killed"
        for _ in range(5):
            await asyncio.sleep(0)  # the loop looks at what it has left

    run(story())


@pytest.mark.slow
def test_too_much_at_once_is_told_and_when_it_is_over() -> None:
    async def story() -> None:
        observer = _Observer()
        process = await _echo(observer)
        for _ in range(8):
            process.send([_word("x" * FLOOD)])
        assert observer.moods == ["congested"]
        await wait_until(lambda: len(observer.said) == 8 * FLOOD, "all of the echo")
        assert observer.moods == ["congested", "cleared"]
        process.stop()
        assert process.exit_code == 0

    run(story())


@pytest.mark.newest
def test_what_is_opened_after_its_end_is_not_closed_with_it() -> None:
    async def story() -> None:
        process = await _echo(_Observer())
        process.stop()
        fresh = pipe_pair()
        for _ in range(5):
            await asyncio.sleep(0)  # the transports close what they have
        for ends in fresh:
            ends.close()  # raises if one was closed

    run(story())
