"""The enclave's end of the two pipes."""

import contextlib
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ccfpy.enclave.channel import WATCHED_MAX, HostChannel
from ccfpy.host.enclave_process import PIPE_BYTES
from tests.unit.enclave.hosts_end import HostsEnd


@pytest.fixture
def host() -> Iterator[HostsEnd]:
    with contextlib.closing(HostsEnd()) as host:
        yield host


def test_what_either_says_the_other_hears(host: HostsEnd) -> None:
    with HostChannel(*host.theirs) as channel:
        buffer = bytearray(4)
        host.say(b"hello")
        assert channel.receive_into(buffer) == 4
        assert buffer == b"hell"
        assert channel.receive_into(buffer) == 1
        channel.send(b"said")
        assert host.hear() == b"said"
    assert host.hear() == b""


def test_the_end_is_the_host_gone(host: HostsEnd) -> None:
    with HostChannel(*host.theirs) as channel:
        host.close()
        assert channel.receive_into(bytearray(4)) == 0
        with pytest.raises(BrokenPipeError):
            channel.send(b"said")


def test_what_comes_ends_a_watch(host: HostsEnd) -> None:
    with HostChannel(*host.theirs) as channel:
        host.say(b"hello")
        began = time.monotonic()
        channel.watch(60 * 10**9)
        assert time.monotonic() - began < 30
        buffer = bytearray(5)
        assert channel.receive_into(buffer) == 5


def test_the_end_of_the_host_ends_a_watch(host: HostsEnd) -> None:
    with HostChannel(*host.theirs) as channel:
        host.close()
        began = time.monotonic()
        channel.watch(60 * 10**9)
        assert time.monotonic() - began < 30


def test_a_watch_in_vain_takes_its_time_and_ends(host: HostsEnd) -> None:
    with HostChannel(*host.theirs) as channel:
        began = time.monotonic_ns()
        channel.watch(2_000_000)
        assert time.monotonic_ns() - began >= 2_000_000


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raise how many files this process may open, for a while."""
    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(usual, WATCHED_MAX + 2), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (usual, most))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("excess", [0, 1])
def test_a_pipe_is_watched_whose_descriptor_can_be(host: HostsEnd, excess: int) -> None:
    reading, writing = host.theirs
    moved = WATCHED_MAX + excess
    os.dup2(reading, moved)
    os.close(reading)
    with HostChannel(moved, writing) as channel:
        began = time.monotonic_ns()
        channel.watch(2_000_000)
        assert excess or time.monotonic_ns() - began >= 2_000_000
        host.say(b"hello")
        channel.watch(2_000_000)
        assert channel.receive_into(bytearray(9)) == 5


def test_all_is_said_though_a_signal_comes_in_the_midst(host: HostsEnd) -> None:
    said, heard = os.urandom(3 * PIPE_BYTES), bytearray()

    def listen() -> None:
        while data := host.hear():
            heard.extend(data)

    listener = threading.Thread(target=listen)
    # Nobody listens before the signal, so that it finds the pipe full.
    before = signal.signal(signal.SIGALRM, lambda *_: listener.start())
    try:
        with HostChannel(*host.theirs) as channel:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            channel.send(said)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    listener.join()
    assert heard == said
