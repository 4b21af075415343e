"""Threads take turns with a node, and end with it, whatever they are doing."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from ccfpy.base import limits
from ccfpy.boundary.batch_limits import EVENTS_TOGETHER_MAX
from ccfpy.boundary.effects import Effect, LogLevel, SendData, Stop, WriteLog
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.enclave.workers import workers_max
from tests.attacks import attack
from tests.unit.enclave.small_node import (
    DEADLINE_S,
    SHORT_MS,
    Enclave,
    Gate,
    SmallNode,
    Talk,
    wait_until,
)

BOTH = pytest.mark.parametrize("way", ["call", "beside"])


@pytest.fixture
def enclave() -> Iterator[Enclave]:
    started = Enclave({"fast": lambda _: threading.get_ident()})
    yield started
    started.end()


@BOTH
def test_what_comes_after_a_slow_call_does_not_wait_for_it(
    enclave: Enclave, way: str
) -> None:
    gate = enclave.gate(way)
    more = EVENTS_TOGETHER_MAX
    enclave.ask(way, *["nothing"] * more)
    assert enclave.hear(more) == ["nothing"] * more, "read at once, in two batches"
    enclave.ask("fast")
    assert enclave.hear() != [f"fast: {enclave.home.ident}"], "another thread drives"
    gate.open()
    assert enclave.hear() == [f"{way}: open"]
    enclave.ask("fast")
    assert enclave.hear() != [f"fast: {enclave.home.ident}"]


@BOTH
def test_a_thread_that_is_back_can_drive_again(enclave: Enclave, way: str) -> None:
    threads = set()
    for _ in range(5):
        gate = enclave.gate(way)
        enclave.ask(way, "fast")
        threads |= set(enclave.hear())
        gate.open()
        assert enclave.hear() == [f"{way}: open"]
    assert len(threads) == 2, "two threads are enough for one slow call at a time"


def test_what_is_raised_reaches_the_node(enclave: Enclave) -> None:
    def fail(_: object) -> None:
        raise KeyError("secret")

    enclave.node.functions["it"] = fail
    enclave.ask("it")
    (log,) = enclave.hear_effects()
    assert isinstance(log, WriteLog)
    assert "KeyError at " in log.message
    assert "secret" not in log.message
    assert enclave.end() is ExitCode.CRASHED


@attack("applications: many handlers without end")
@BOTH
def test_so_many_calls_may_be_slow_at_once_and_more_are_refused(
    enclave: Enclave, way: str
) -> None:
    most = limits.SLOW_CALLS_MAX
    gate = enclave.gate(way)
    enclave.ask(*[way] * (most + 1), "nothing")
    assert enclave.hear(2) == ["full", "nothing"]
    assert enclave.threads.is_full
    gate.open()
    assert enclave.hear(most) == [f"{way}: open"] * most
    wait_until(lambda: not enclave.threads.is_full)
    assert len(set(enclave.node.threads_of[way])) == most
    enclave.ask("fast")
    enclave.hear()


def test_slow_calls_end_in_their_own_order(enclave: Enclave) -> None:
    first, second = enclave.gate("first"), enclave.gate("second")
    enclave.ask("first", "second", "nothing")
    assert enclave.hear() == ["nothing"]
    second.open()
    assert enclave.hear() == ["second: open"]
    first.open()
    assert enclave.hear() == ["first: open"]


@attack("applications: a handler without end")
def test_a_call_that_does_not_come_back_is_given_up(enclave: Enclave) -> None:
    gate = Gate()
    answer = enclave.call(gate, SHORT_MS)
    assert answer.startswith("given up: it took ")
    assert "may take 30 ms, at " in answer
    assert "small_node.py:" in answer
    enclave.ask("nothing")
    assert enclave.hear() == ["nothing"]
    gate.open()
    wait_until(lambda: enclave.node.given_up == ["it"])
    enclave.ask("nothing")
    assert enclave.hear() == ["nothing"], "and nothing of the call"


@attack("applications: handlers that hang")
def test_so_many_calls_may_hang_and_the_log_says_when_they_do(
    enclave: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = limits.HUNG_CALLS_MAX
    monkeypatch.setattr(limits, "SLOW_CALL_GIVEN_UP_MS", 1)
    gate = Gate()
    logged: list[Effect] = []
    for hung in range(most):
        assert not enclave.threads.is_python_full
        enclave.ask_for(gate, SHORT_MS)
        if hung == most - 1:
            logged += enclave.hear_effects()
        assert enclave.hear()[0].startswith("given up")
        assert not enclave.threads.is_full
    (log,) = logged
    assert isinstance(log, WriteLog)
    assert log.level is LogLevel.FAIL
    assert "16 calls of the application's Python code hang" in log.message
    assert enclave.threads.is_python_full
    # What ends by itself may still be slow: as many threads as before.
    slow = enclave.gate("beside")
    enclave.ask(*["beside"] * (limits.SLOW_CALLS_MAX + 1))
    assert enclave.hear() == ["full"]
    gate.open()
    slow.open()
    answers = enclave.hear(limits.SLOW_CALLS_MAX)
    assert answers == ["beside: open"] * limits.SLOW_CALLS_MAX
    wait_until(lambda: not enclave.threads.is_python_full)
    assert len(enclave.threads._stepping.workers) <= workers_max(limits.SLOW_CALLS_MAX)


def _threads_end(before: set[threading.Thread]) -> None:
    wait_until(lambda: not set(threading.enumerate()) - before)


ENDS: dict[str, Callable[[Talk], None]] = {
    "the channel ends": lambda talk: talk.host.close(),
    "the node stops": lambda talk: talk.ask("stop"),
    "the node crashes": lambda talk: talk.ask("crash"),
}


@pytest.mark.parametrize("end", ENDS)
def test_all_threads_end_with_the_node(end: str) -> None:
    before = set(threading.enumerate())
    enclave = Enclave({})
    gates = [enclave.gate(name) for name in ("one", "two")]
    enclave.ask("one", "two", "nothing")
    assert enclave.hear() == ["nothing"]
    ENDS[end](enclave)
    wait_until(lambda: enclave.threads._stepping.is_ended)
    assert enclave.ended == [int(end == "the node crashes")], "its thread is away"
    for gate in gates:
        gate.open()
    enclave.home.join(DEADLINE_S)
    assert enclave.exit_code == enclave.ended[0]
    wait_until(lambda: set(enclave.node.given_up) == {"one", "two"})
    enclave.host.close()
    _threads_end(before)


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_a_node_ends_without_any_other_thread(enclave: Enclave, end: str) -> None:
    enclave.ask(end)
    enclave.hear_effects()
    enclave.home.join(DEADLINE_S)
    assert enclave.exit_code == int(end == "crash")
    assert not enclave.ended


def test_the_thread_that_began_returns_at_the_end_if_it_waits(
    enclave: Enclave,
) -> None:
    gate = enclave.gate("it")
    enclave.ask("it", "nothing")
    enclave.hear()
    gate.open()
    enclave.hear()
    enclave.ask("stop")
    assert enclave.hear_effects() == [Stop(exit_code=0, reason="asked")]
    enclave.home.join(DEADLINE_S)
    assert enclave.exit_code is ExitCode.OK
    assert not enclave.ended


def test_a_slow_call_may_stop_the_node_when_it_is_back(enclave: Enclave) -> None:
    """The driver waits for the host meanwhile, which is not waited for."""
    gate = Gate()

    def stop(node: SmallNode) -> None:
        gate(None)
        node.threads.inside(lambda _: node.stop(), None)

    enclave.node.functions["it"] = stop
    enclave.ask("it", "nothing")
    enclave.hear()
    gate.open()
    answer, last = enclave.hear_effects(2)
    assert isinstance(answer, SendData)
    assert isinstance(last, Stop)
    enclave.home.join(DEADLINE_S)
    assert enclave.exit_code is ExitCode.OK


CHILD = """
import ctypes, os, sys, time
from functools import partial
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.isolation import confine, isolate
from ccfpy.enclave.loop import NODE, run
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.threads import NodeThreads
from tests.unit.enclave.small_node import SmallNode

def look(node):
    time.sleep(0.2)  # so that each call needs a thread of its own
    try:
        open("/etc/passwd").close()
    except OSError as error:
        return type(error).__name__
    return "opened"

isolate(parent=os.getppid())
empty, kept = os.pipe()
sleep = ctypes.CDLL(None).sleep
threads = NodeThreads(SystemMemory(), ended=os._exit)
node = SmallNode(threads, {
    "sleep": lambda _: sleep(100_000),
    "read": lambda _: os.read(empty, 1),
    "look": look,
})
with HostChannel(int(sys.argv[1]), int(sys.argv[2])) as channel:
    confine(known=[*channel.descriptors, empty, kept])
    run(NODE, channel, lambda: partial(threads.drive, node, started=int))
os._exit(9)
"""


@pytest.fixture
def child() -> Iterator[tuple[Talk, subprocess.Popen[bytes]]]:
    """A confined process with a small node; one that began returns with code 9."""
    talk = Talk()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, talk.host.theirs)],
        pass_fds=talk.host.theirs,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    talk.host.theirs.close()
    yield talk, process
    talk.host.close()
    process.kill()
    process.wait(DEADLINE_S)


@pytest.mark.slow
@attack("applications: handlers that hang")
@pytest.mark.parametrize("function", ["sleep", "read"])
@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_hangs_for_good_does_not_hold_the_process(
    child: tuple[Talk, subprocess.Popen[bytes]], function: str, end: str
) -> None:
    talk, process = child
    talk.ask(function, "nothing")
    assert talk.hear() == ["nothing"]
    ENDS[end](talk)
    assert process.wait(DEADLINE_S) == int(end == "the node crashes")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux confines")
def test_threads_that_a_confined_process_starts_are_confined(
    child: tuple[Talk, subprocess.Popen[bytes]],
) -> None:
    talk, _ = child
    most = limits.SLOW_CALLS_MAX
    talk.ask(*["look"] * most)
    assert talk.hear(most) == ["look: PermissionError"] * most
