"""When to sign: the timer's rhythm and the count."""

import pytest

from ccfpy.base import limits
from ccfpy.node.signing import SignatureTimer


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


EARLY, BUSY, FEW = (
    limits.EARLY_SIGNATURE_MS,
    limits.EARLY_SIGNATURE_BUSY_MS,
    limits.EARLY_SIGNATURE_FEW_TX,
)


@pytest.mark.parametrize(
    ("since_ms", "unsigned", "is_due"),
    [
        (EARLY, 1, True),
        (EARLY, FEW, True),
        (EARLY - 1, 1, False),
        (EARLY, 0, False),
        (BUSY, 0, False),
        (EARLY, FEW + 1, False),
        (BUSY - 1, FEW + 1, False),
        (BUSY, FEW + 1, True),
    ],
)
def test_an_early_signature_comes_soon_and_less_often_when_there_is_much_to_sign(
    since_ms: int, unsigned: int, *, is_due: bool
) -> None:
    timer = SignatureTimer(tx_count=5000, delay_ms=1000, now_ms=0, is_early=True)
    timer.signed(100)
    assert timer.is_due_early(100 + since_ms, unsigned) is is_due


def test_the_first_early_signature_waits_for_nothing_and_a_clock_may_go_back() -> None:
    timer = SignatureTimer(tx_count=5000, delay_ms=1000, now_ms=7, is_early=True)
    assert timer.is_due_early(7, 1)
    timer.signed(1000)
    assert timer.is_due_early(10, FEW + 1)
