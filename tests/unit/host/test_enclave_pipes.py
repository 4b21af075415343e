"""The two pipes: who reads what, how much they keep, and how one side ends them."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.base.limits import LINK_BACKLOG_BYTES_MAX
from ccfpy.host.enclave_process import (
    PIPE_BYTES,
    READ_BYTES_MAX,
    HostPipes,
    PipeEnds,
    pipe_pair,
)
from tests.unit.host.waiting import run, wait_until

_GRANTED = Path("/proc/sys/fs/pipe-max-size")
"""How much anybody may have a pipe keep, where it may be asked for."""


@pytest.fixture
def pair() -> Iterator[tuple[PipeEnds, PipeEnds]]:
    ours, theirs = pipe_pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def _taken(end: int) -> int:
    """Return how many bytes the system keeps before it says that it is full."""
    os.set_blocking(end, False)
    taken = 0
    try:
        while True:
            taken += os.write(end, bytes(1 << 16))
    except BlockingIOError:
        return taken


def test_what_one_writes_the_other_reads(pair: tuple[PipeEnds, PipeEnds]) -> None:
    for one, other in (pair, pair[::-1]):
        os.write(one.writing, b"said")
        assert os.read(other.reading, 10) == b"said"


def test_nothing_that_is_started_inherits_them(
    pair: tuple[PipeEnds, PipeEnds],
) -> None:
    assert not any(os.get_inheritable(end) for ends in pair for end in ends)


@pytest.mark.skipif(not _GRANTED.exists(), reason="only Linux has it larger")
def test_either_says_a_large_frame_in_one_piece_though_nobody_reads_yet(
    pair: tuple[PipeEnds, PipeEnds],
) -> None:
    granted = min(int(_GRANTED.read_text()), PIPE_BYTES)
    assert [_taken(ends.writing) for ends in pair] == [granted, granted]


class _Observer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.said = bytearray()

    def hear(self, data: memoryview) -> None:
        self.said += data

    def hung_up(self) -> None:
        self.told.append("hung up")

    def congested(self) -> None:
        self.told.append("congested")

    def cleared(self) -> None:
        self.told.append("cleared")


@pytest.fixture
def observer() -> _Observer:
    return _Observer()


def _read_all(end: int, size: int) -> bytes:
    """Read what has been written, as far as it has."""
    os.set_blocking(end, False)
    read = bytearray()
    with contextlib.suppress(BlockingIOError):
        while len(read) < size and (data := os.read(end, 1 << 16)):
            read += data
    return bytes(read)


@pytest.mark.usefixtures("each_loop")
def test_what_was_said_before_the_end_is_heard_before_it(observer: _Observer) -> None:
    async def story() -> None:
        ours, theirs = pipe_pair()
        HostPipes(ours, observer.hear, observer)
        said = os.urandom(READ_BYTES_MAX + 1)
        os.write(theirs.writing, said)
        theirs.close()
        await wait_until(lambda: observer.told, "the end")
        assert observer.told == ["hung up"]
        assert observer.said == said

    run(story())


@pytest.mark.usefixtures("each_loop")
def test_what_the_pipe_does_not_take_follows_in_order(observer: _Observer) -> None:
    async def story() -> None:
        ours, theirs = pipe_pair()
        pipes = HostPipes(ours, observer.hear, observer)
        said = [os.urandom(PIPE_BYTES // 2 + 1) for _ in range(5)]
        for data in said:
            pipes.write(data)
        read = bytearray()
        whole = b"".join(said)

        def is_all_read() -> bool:
            read.extend(_read_all(theirs.reading, len(whole)))
            return len(read) == len(whole)

        await wait_until(is_all_read, "all of it")
        assert read == whole
        pipes.write(b"and more")
        assert _read_all(theirs.reading, 8) == b"and more"
        pipes.close()
        theirs.close()
        assert observer.told == []

    run(story())


@pytest.mark.parametrize(("surplus", "told"), [(0, []), (1, ["congested"])])
def test_who_does_not_read_congests_it_beyond_the_limit(
    observer: _Observer, surplus: int, told: list[str]
) -> None:
    async def story() -> None:
        ours, theirs = pipe_pair()
        pipes = HostPipes(ours, observer.hear, observer)
        left = _taken(ours.writing) + LINK_BACKLOG_BYTES_MAX + surplus
        for size in (LINK_BACKLOG_BYTES_MAX, surplus):
            pipes.write(bytes(size))
        assert observer.told == told

        def is_all_read() -> bool:
            nonlocal left
            left -= len(_read_all(theirs.reading, left))
            return not left

        await wait_until(is_all_read, "all of it")
        assert observer.told == [*told, *(["cleared"] if told else [])]
        pipes.close()
        theirs.close()

    run(story())


@pytest.mark.usefixtures("each_loop")
def test_who_writes_to_nobody_hears_of_the_end_alone(observer: _Observer) -> None:
    async def story() -> None:
        ours, theirs = pipe_pair()
        pipes = HostPipes(ours, observer.hear, observer)
        pipes.write(bytes(2 * PIPE_BYTES))  # some of it waits
        theirs.close()
        pipes.write(b"nobody")
        await wait_until(lambda: observer.told, "the end")
        assert observer.told == ["hung up"]

    run(story())


@pytest.mark.usefixtures("each_loop")
def test_closing_is_seen_at_once_and_closes_nothing_else_later(
    observer: _Observer,
) -> None:
    async def story() -> None:
        ours, theirs = pipe_pair()
        pipes = HostPipes(ours, observer.hear, observer)
        pipes.write(bytes(2 * PIPE_BYTES))
        pipes.close()
        os.set_blocking(theirs.reading, True)
        while os.read(theirs.reading, PIPE_BYTES):
            pass
        with pytest.raises(BrokenPipeError):
            os.write(theirs.writing, b"said")
        fresh, other = pipe_pair()  # has the numbers of those that are closed
        for _ in range(5):
            await asyncio.sleep(0)
        for ends in (theirs, fresh, other):
            ends.close()  # raises if one was closed
        assert observer.told == []

    run(story())
