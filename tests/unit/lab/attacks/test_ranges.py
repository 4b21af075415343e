"""What one user's sorting does to another is judged."""

from collections.abc import Sequence

import pytest

from tests.lab.attacks.ranges import PUT_P99_MAX_S, Puts, judge, text


@pytest.mark.parametrize(
    ("slowest_s", "failures", "statuses", "elections", "breaches"),
    [
        (0.1, [], [200, 503], 0, []),
        (PUT_P99_MAX_S + 0.11, [], [200], 0, ["one in a hundred puts took"]),
        (0.1, ["503 busy"], [200], 0, ["1 puts failed: 503 busy"]),
        (0.1, [], [200], 1, ["1 elections"]),
        (0.1, [], [503], 0, ["ranges were answered with [503]"]),
        (0.1, [], [200, 500], 0, ["ranges were answered with [200, 500]"]),
    ],
)
def test_a_breach_is_named(
    slowest_s: float,
    failures: Sequence[str],
    statuses: Sequence[int],
    elections: int,
    breaches: Sequence[str],
) -> None:
    alone = Puts(times_s=[0.1])
    beside = Puts(times_s=[slowest_s], failures=[*failures])
    found = judge(alone, beside, statuses, elections=elections)
    assert len(found) == len(breaches)
    assert all(map(str.startswith, found, breaches))


def test_bytes_are_written_as_etcd_writes_them() -> None:
    assert text("\0") == "AA=="
