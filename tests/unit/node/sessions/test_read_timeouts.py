"""How long a client is waited for, to the millisecond and the byte."""

from ccfpy.base import limits
from ccfpy.node.sessions.connection import ReadTimeout

MOST_MS = limits.SESSION_UNFINISHED_MS_MAX


def begun(received: int = 0) -> ReadTimeout:
    patience = ReadTimeout()
    assert not patience.is_over(progress=1, received=received, elapsed_ms=0)
    return patience


def test_it_lasts_for_so_long_and_no_longer() -> None:
    assert not begun().is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)
    assert begun().is_over(progress=1, received=0, elapsed_ms=MOST_MS)


def test_looks_add_up() -> None:
    patience = begun()
    for _ in range(MOST_MS // 1000 - 1):
        assert not patience.is_over(progress=1, received=0, elapsed_ms=1000)
    assert patience.is_over(progress=1, received=0, elapsed_ms=1000)


def test_what_is_sent_meanwhile_prolongs_it_by_its_rate() -> None:
    sent = 10 * limits.SESSION_BYTES_PER_S_MIN
    for received, is_over in ((5 + sent, False), (5 + sent - 1, True)):
        patience = begun(received=5)
        over = patience.is_over(
            progress=1, received=received, elapsed_ms=MOST_MS + 10_000 - 1
        )
        assert over is is_over


def test_whatever_comes_whole_restores_it() -> None:
    for progress in (2, None):
        patience = begun()
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)
        assert not patience.is_over(progress=progress, received=0, elapsed_ms=MOST_MS)
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS)
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)


def test_who_has_begun_nothing_is_not_waited_for() -> None:
    patience = ReadTimeout()
    for _ in range(3):
        assert not patience.is_over(progress=None, received=0, elapsed_ms=MOST_MS)
