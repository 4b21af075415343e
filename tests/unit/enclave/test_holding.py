"""A hold makes one call wait, where it holds nothing, and no other."""

import sys
import threading
import time
from threading import get_ident

import pytest

from ccfpy.enclave.ending import TracedThread
from ccfpy.enclave.holding import HOLDS_PYTHON, Hold
from tests.unit.enclave.small_node import DEADLINE_S, wait_until

pytestmark = pytest.mark.skipif(
    not HOLDS_PYTHON, reason="this Python cannot hold a call"
)


class Called:
    """A call in a thread, which counts until it is told to end."""

    def __init__(self) -> None:
        self.is_using_node = False
        self.began_ns = 1
        self.waited_ns = 0
        self.steps = 0
        self.is_over = False
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self._ready.wait(DEADLINE_S)
        self.hold = Hold(self, 1, self.traced, frozenset({Called._run.__code__}))

    def is_at(self, began_ns: int, ident: int) -> bool:
        return began_ns == self.began_ns and ident == self.ident

    def _run(self) -> None:
        self.ident, self.traced = get_ident(), TracedThread()
        self._ready.set()
        self._count()
        self.is_traced = sys.gettrace() is not None

    def _count(self) -> None:
        while not self.is_over:
            self.steps += 1

    def has_gone_on(self) -> bool:
        before = self.steps
        time.sleep(0.02)
        return self.steps > before

    def end(self) -> None:
        self.is_over = True
        self.thread.join(DEADLINE_S)


def test_a_call_waits_while_its_hold_is_closed_and_goes_on_then() -> None:
    call = Called()
    assert call.has_gone_on()
    for _ in range(3):
        call.hold.close(is_script=False)
        wait_until(lambda: call.hold.is_waiting)
        waits_ns, waited_ns = call.hold.waits_ns, call.waited_ns
        assert not call.has_gone_on()
        assert call.hold.waits_ns > waits_ns
        assert call.waited_ns == waited_ns, "this wait is not over"
        call.hold.open()
        wait_until(lambda: not call.hold.is_waiting)
        assert call.waited_ns > waited_ns
        assert call.has_gone_on()
    call.end()


def test_each_of_two_calls_that_are_told_to_wait_at_once_waits() -> None:
    calls = Called(), Called()
    for call in calls:
        call.hold.close(is_script=False)
    wait_until(lambda: all(call.hold.is_waiting for call in calls))
    for call in calls:
        call.hold.open()
        call.end()


def test_a_call_that_uses_the_node_is_not_held_before_it_is_done() -> None:
    call = Called()
    call.is_using_node = True
    call.hold.close(is_script=False)
    assert call.has_gone_on()
    call.is_using_node = False
    wait_until(lambda: call.hold.is_waiting)
    call.hold.open()
    call.end()


def test_the_next_call_of_the_thread_is_not_held() -> None:
    call = Called()
    call.began_ns = 2
    call.hold.close(is_script=False)
    assert call.has_gone_on()
    call.end()
    assert call.waited_ns == 0


def _open_once_waited(hold: Hold) -> None:
    wait_until(lambda: hold.is_waiting)
    hold.open()


def test_a_script_waits_where_it_asks() -> None:
    call = Called()
    call.hold.wait_in_script()
    assert call.waited_ns == 0, "it is open"
    call.hold.close(is_script=True)
    call.hold.wait_in_script()
    assert call.waited_ns == 0, "this is another thread"
    call.ident = get_ident()
    opener = threading.Thread(target=_open_once_waited, args=(call.hold,))
    opener.start()
    call.hold.wait_in_script()
    assert call.waited_ns > 0
    opener.join()
    call.end()
