"""When a primary signs, and how long its signatures take."""

from collections.abc import Callable

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import SIGNATURES_TIMED_MAX
from ccfpy.node.replication.replication import SignatureTimer, SignatureTimes


def timer() -> SignatureTimer:
    return SignatureTimer(tx_count=3, delay_ms=100, now_ms=1000)


def test_the_count_asks_to_sign_at_its_bound() -> None:
    assert not timer().is_due_by_count(2)
    assert timer().is_due_by_count(3)


def test_time_asks_to_sign_only_when_something_is_unsigned() -> None:
    idle, busy = timer(), timer()
    assert not idle.tick(1100, unsigned=0)
    assert busy.tick(1100, unsigned=1)


def test_the_timer_fires_once_a_delay() -> None:
    clock = timer()
    assert not clock.tick(1099, unsigned=1)
    assert clock.tick(1100, unsigned=1)
    assert not clock.tick(1199, unsigned=1)
    assert clock.tick(1200, unsigned=1)


def test_a_clock_that_goes_back_puts_a_signature_off_by_one_delay_at_most() -> None:
    clock = timer()
    assert clock.tick(10**9, unsigned=1)
    assert not clock.tick(500, unsigned=1)
    assert not clock.tick(599, unsigned=1)
    assert clock.tick(600, unsigned=1)


def test_a_count_of_nothing_does_not_sign_what_is_signed() -> None:
    eager = SignatureTimer(tx_count=0, delay_ms=100, now_ms=1000)
    assert eager.is_due_by_count(1)
    assert not eager.is_due_by_count(0)


EARLY, BUSY, FEW, FEW_EVENTS = (
    limits.EARLY_SIGNATURE_MS,
    limits.EARLY_SIGNATURE_BUSY_MS,
    limits.EARLY_SIGNATURE_FEW_TX,
    limits.EARLY_SIGNATURE_FEW_EVENTS,
)


def early_timer(*, now_ms: int = 0) -> SignatureTimer:
    return SignatureTimer(tx_count=5000, delay_ms=1000, now_ms=now_ms, is_early=True)


def busy_timer(*, at_ms: int) -> SignatureTimer:
    """Make a timer that has signed many entries time and again, last at ``at_ms``."""
    timer = early_timer()
    for _ in range(10):
        timer.signed(at_ms, FEW + 1)
    return timer


@pytest.mark.parametrize(
    ("since_ms", "unsigned", "is_due"),
    [(EARLY, 1, True), (EARLY, 1000, True), (EARLY - 1, 1, False), (EARLY, 0, False)],
)
def test_an_early_signature_comes_soon_after_one_of_few_entries(
    since_ms: int, unsigned: int, *, is_due: bool
) -> None:
    timer = early_timer()
    timer.signed(100, FEW)
    assert timer.is_due_early(100 + since_ms, unsigned, is_awaited=False) is is_due


def test_after_a_signature_of_many_the_next_waits_twice_as_long_up_to_a_bound() -> None:
    timer = early_timer()
    waits = []
    for start in range(0, 6000, 1000):
        timer.signed(start, FEW + 1)
        waits.append(
            next(
                ms
                for ms in range(1000)
                if timer.is_due_early(start + ms, 1 + ms, is_awaited=False)
            )
        )
    assert waits == [2 * EARLY, 4 * EARLY, 8 * EARLY, 16 * EARLY, BUSY, BUSY]


def test_a_signature_of_few_ends_the_long_wait() -> None:
    timer = busy_timer(at_ms=100)
    timer.signed(200, FEW)
    assert timer.is_due_early(200 + EARLY, 1, is_awaited=False)


@pytest.mark.parametrize(
    ("events", "wait_ms"), [([FEW_EVENTS, 1], EARLY), ([FEW_EVENTS + 1, 1], 2 * EARLY)]
)
def test_much_that_came_at_once_puts_off_the_next_signature_of_few(
    events: list[int], wait_ms: int
) -> None:
    timer = early_timer()
    for count in events:
        timer.saw(count)
    timer.signed(100, 1)
    assert not timer.is_due_early(100 + wait_ms - 1, 1, is_awaited=False)
    assert timer.is_due_early(100 + wait_ms, 1, is_awaited=False)
    timer.saw(1)
    timer.signed(200, 1)
    assert timer.is_due_early(200 + EARLY, 1, is_awaited=False)


def test_many_that_have_stopped_coming_are_signed_at_once_if_somebody_waits() -> None:
    timer = busy_timer(at_ms=100)
    assert not timer.is_due_early(120, 50, is_awaited=True)
    assert not timer.is_due_early(120 + EARLY - 1, 50, is_awaited=True)
    assert not timer.is_due_early(120 + EARLY, 50, is_awaited=False)
    assert timer.is_due_early(120 + EARLY, 50, is_awaited=True)


def test_as_long_as_many_come_whoever_waits_has_to_wait() -> None:
    timer = busy_timer(at_ms=100)
    for ms in range(BUSY):
        assert not timer.is_due_early(100 + ms, 1 + ms, is_awaited=True)
    assert timer.is_due_early(100 + BUSY, 1 + BUSY, is_awaited=True)


def test_the_first_early_signature_waits_for_nothing_and_a_clock_may_go_back() -> None:
    timer = early_timer(now_ms=7)
    assert timer.is_due_early(7, 1, is_awaited=False)
    timer.signed(1000, FEW + 1)
    assert timer.is_due_early(10, FEW + 1, is_awaited=False)


MS = 1_000_000


class _Ledger:
    """Calls who waits for commits and rollbacks; ``now_ns`` is the time."""

    now_ns = 0
    committed: Callable[[Seqno], None]
    rolled_back: Callable[[Seqno], None]

    def on_commit(self, tell: Callable[[Seqno], None]) -> None:
        self.committed = tell

    def on_rollback(self, tell: Callable[[Seqno], None]) -> None:
        self.rolled_back = tell


def _timed() -> tuple[_Ledger, SignatureTimes]:
    ledger = _Ledger()
    return ledger, SignatureTimes(lambda: ledger.now_ns, ledger)


def test_a_signature_is_timed_until_made_and_until_final() -> None:
    ledger, times = _timed()
    began = times.begin(5)
    ledger.now_ns = 2 * MS
    times.made(began)
    ledger.now_ns = 30 * MS
    ledger.committed(4)
    assert not any(times.final_ns.counts)
    ledger.committed(5)
    ledger.committed(6)
    assert (times.made_ns.total, times.final_ns.total) == (2 * MS, 30 * MS)
    assert sum(times.final_ns.counts) == 1


def test_a_commit_ends_all_signatures_up_to_it_and_a_rollback_those_after_it() -> None:
    ledger, times = _timed()
    for seqno in (2, 4, 6, 8):
        times.begin(seqno)
    ledger.rolled_back(6)
    ledger.committed(5)
    assert sum(times.final_ns.counts) == 2
    ledger.committed(100)
    assert sum(times.final_ns.counts) == 3


def test_the_oldest_of_too_many_signatures_is_forgotten() -> None:
    ledger, times = _timed()
    for seqno in range(SIGNATURES_TIMED_MAX + 1):
        times.begin(seqno)
    ledger.committed(SIGNATURES_TIMED_MAX)
    assert sum(times.final_ns.counts) == SIGNATURES_TIMED_MAX
