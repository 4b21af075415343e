import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.client.waits import (
    BUDGET_MAX,
    SPREAD,
    WAIT_FIRST_S,
    WAIT_MAX_S,
    RetryBudget,
    asked_wait_s,
    wait_s,
)

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), chances)
def test_a_wait_is_within_its_bounds(repeated: int, chance: float) -> None:
    longest = min(WAIT_MAX_S, WAIT_FIRST_S * 2 ** min(repeated, 60))
    assert 0 <= wait_s(repeated, chance=chance) <= longest


@given(st.integers(0, 100), chances, st.floats(0.1, 1e5))
def test_a_node_is_never_asked_before_the_time_it_named(
    repeated: int, chance: float, asked_s: float
) -> None:
    waited = wait_s(repeated, chance=chance, asked_s=asked_s)
    assert asked_s <= waited <= asked_s * (1 + SPREAD)


def test_no_time_named_means_the_clients_own() -> None:
    assert wait_s(1, chance=0.5, asked_s=0) == wait_s(1, chance=0.5) == WAIT_FIRST_S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        (" 0 ", 0),
        ("999999", 999999),
        ("1000000", None),
        ("-1", None),
        ("1.5", None),
        ("\u0663", None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_seconds_are_read_and_nothing_else(text: str, seconds: float | None) -> None:
    assert asked_wait_s({"retry-after": text}) == seconds


def test_an_answer_may_name_no_time() -> None:
    assert asked_wait_s({}) is None


@given(st.lists(st.booleans(), max_size=400))
def test_repetitions_are_a_share_of_the_calls(events: list[bool]) -> None:
    budget, calls, spent = RetryBudget(), 0, 0
    for is_call in events:
        if is_call:
            budget.earn()
            calls += 1
        elif budget.spend():
            spent += 1
    assert spent <= BUDGET_MAX + 0.1 * calls + 1e-6


def test_the_budget_ends_and_comes_back() -> None:
    budget = RetryBudget(share=0.5, most=1)
    assert [budget.spend(), budget.spend()] == [True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    budget.earn()
    budget.earn()
    assert [budget.spend(), budget.spend()] == [True, False]
