"""The measurements within the bounds: a table, with the edge of each."""

from dataclasses import replace

import pytest

from tests.lab.attacks.bounds import (
    ANSWER_MAX_S,
    DISK_SLACK_BYTES,
    REFUSAL,
    Bounds,
    Honest,
    Measured,
    Spend,
    Toll,
    excesses,
    percentile,
)

QUIET = Measured(
    seconds=5.0,
    spend=Spend(bytes_authenticated=1000),
    toll=Toll(
        cpu_s=1.0,
        memory_before_bytes=1000,
        memory_peak_bytes=5000,
        memory_after_bytes=1000,
        disk_bytes=0,
        disk_honest_bytes=100,
        elections=0,
    ),
    honest=Honest(answers=50, failures=(), p99_s=0.1, worst_s=0.2),
    alone=Honest(answers=50, failures=(), p99_s=0.1, worst_s=0.1),
)
"""An attack that came to nothing."""
DISK_MAX_BYTES = DISK_SLACK_BYTES + 3000 + 150
"""What the honest client and the authenticated bytes of ``QUIET`` allow."""


def told(toll: Toll) -> str:
    """Say what is wrong with a toll."""
    return "; ".join(excesses(replace(QUIET, toll=toll)))


def heard(honest: Honest) -> str:
    """Say what is wrong with how the honest client fared."""
    return "; ".join(excesses(replace(QUIET, honest=honest)))


def test_an_attack_that_came_to_nothing_is_within() -> None:
    assert not list(excesses(QUIET))


TOLL, HONEST = QUIET.toll, QUIET.honest


@pytest.mark.parametrize(
    ("toll", "said"),
    [
        (replace(TOLL, memory_after_bytes=1100), ""),
        (replace(TOLL, memory_after_bytes=1101), "memory stays 10% above what it was"),
        (replace(TOLL, memory_after_bytes=500), ""),
        (replace(TOLL, disk_bytes=DISK_MAX_BYTES), ""),
        (replace(TOLL, disk_bytes=DISK_MAX_BYTES + 1), "the ledger grew by 265295"),
        (replace(TOLL, elections=1), "1 elections"),
        (replace(TOLL, nodes_lost=("n0", "n2")), "n0 ended; n2 ended"),
    ],
)
def test_what_a_service_may_pay(toll: Toll, said: str) -> None:
    assert told(toll).startswith(said)
    assert bool(told(toll)) is bool(said)


@pytest.mark.parametrize(
    ("honest", "said"),
    [
        (replace(HONEST, worst_s=ANSWER_MAX_S), ""),
        (replace(HONEST, worst_s=1.01), "an honest answer took 1.01 s of at most 1 s"),
        (replace(HONEST, failures=("a", "b")), "2 honest requests failed: a"),
        (replace(HONEST, answers=0), "the honest client got no answer at all"),
    ],
)
def test_what_an_honest_client_may_suffer(honest: Honest, said: str) -> None:
    assert heard(honest) == said


@pytest.mark.parametrize(
    ("alone_s", "p99_s", "said"),
    [
        (0.0, 0.25, ""),
        (0.0, 0.251, "one in a hundred honest answers took 0.251 s of at most 0.250 s"),
        (0.25, 0.5, ""),
        (0.25, 0.51, "one in a hundred honest answers took 0.510 s of at most 0.500 s"),
    ],
)
def test_nearly_all_answers_come_as_soon_as_on_the_same_busy_machine_alone(
    alone_s: float, p99_s: float, said: str
) -> None:
    measured = replace(
        QUIET,
        honest=replace(HONEST, p99_s=p99_s, worst_s=p99_s),
        alone=replace(HONEST, worst_s=alone_s),
        bounds=Bounds(p99_max_s=0.25),
    )
    assert "; ".join(excesses(measured)) == said


def test_a_crowded_machine_has_more_time_for_nearly_all_answers() -> None:
    bounds = Bounds(p99_max_s=0.1, answer_max_s=2.0, may_refuse=True)
    assert bounds.when_crowded() == replace(bounds, p99_max_s=0.5)


def test_only_a_refusal_that_the_bounds_allow_is_no_failure() -> None:
    refused = f"write: {REFUSAL}: Too many slow calls"
    for failures, may_refuse, count in (
        ((refused,), True, 0),
        ((refused,), False, 1),
        ((refused, "read: no connection"), True, 1),
    ):
        measured = replace(
            QUIET,
            honest=replace(HONEST, failures=failures),
            bounds=Bounds(may_refuse=may_refuse),
        )
        assert len(list(excesses(measured))) == count


def test_what_succeeded_is_never_within() -> None:
    assert list(excesses(replace(QUIET, breaches=["it was taken"]))) == ["it was taken"]


def test_an_attack_may_have_bounds_of_its_own() -> None:
    slow = replace(QUIET, honest=replace(QUIET.honest, worst_s=1.5))
    assert not list(excesses(replace(slow, bounds=Bounds(answer_max_s=1.5))))
    for most, count in ((4000, 0), (3999, 1)):
        bounds = Bounds(memory_peak_growth_max_bytes=most)
        assert len(list(excesses(replace(QUIET, bounds=bounds)))) == count


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([float(n) for n in range(1, 301)], 0.99, 297.0),
    ],
)
def test_a_percentile_is_one_of_the_values(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected
