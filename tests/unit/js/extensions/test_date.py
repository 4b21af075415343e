"""``Date`` at a standstill, or as the host tells it."""

from itertools import count

from ccfpy.js.extensions.date import date_extension, frozen_date_extension
from tests.unit.js.conftest import Evaluate

NOW_MS = 1_700_000_000_123


def test_now_is_the_given_moment_however_it_is_asked_for(evaluate: Evaluate) -> None:
    body = """
        const other = new (new Date().constructor)();
        return [Date.now(), +new Date(), +other, +new (class extends Date {})(),
                Date() === String(new Date())];
    """
    result = evaluate(body, [frozen_date_extension(NOW_MS)])
    assert result == [NOW_MS, NOW_MS, NOW_MS, NOW_MS, True]


def test_other_dates_still_work(evaluate: Evaluate) -> None:
    body = """
        return [new Date(5).toISOString(), +new Date("1970-01-02"),
                Date.UTC(1970, 0, 2), Date.parse("1970-01-01T00:00:01Z"),
                new Date() instanceof Date, Date.name, Date.length, Object.keys(Date)];
    """
    assert evaluate(body, [frozen_date_extension(NOW_MS)]) == [
        "1970-01-01T00:00:00.005Z",
        86_400_000,
        86_400_000,
        1000,
        True,
        "Date",
        7,
        [],
    ]


def test_time_may_pass_within_a_call(evaluate: Evaluate) -> None:
    clock = count(1000)
    body = "return [Date.now(), +new Date(), Date.now()]"
    assert evaluate(body, [date_extension(lambda: next(clock))]) == [1000, 1001, 1002]
