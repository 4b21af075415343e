"""When to sign: the timer's rhythm and the count."""

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
