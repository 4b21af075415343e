"""Calls against services that exist as scripts: every move without a socket."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.client.addresses import Addresses
from ccfpy.client.call import (
    BUDGET_MAX,
    REDIRECTS_MAX,
    SPREAD,
    WAIT_FIRST_S,
    WAIT_MAX_S,
    Attempt,
    Call,
    Pause,
    Repeatability,
    RetryBudget,
    Rules,
    asked_wait_s,
    wait_s,
)
from ccfpy.client.errors import OutcomeUnknown, Unreachable
from ccfpy.client.requests import TXID_HEADER, Reply

READ, IDEMPOTENT, ONCE = Repeatability
A, B, C = "https://a", "https://b", "https://c"
NOT_SENT, NO_ANSWER = "not sent", "no answer"
Came = Reply | str
PACE_S = 0.01
"""What each attempt takes."""


def reply(status: int = 200, code: str = "", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": code, "message": "x"}}) if code else b""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=body)


OK = reply()
BUSY = reply(503, "TooManyPendingTransactions", retry_after="1")
VIEW = reply(500, "SessionConsistencyLost")
LATE = reply(504)
TO_C = reply(307, location="https://c/x")


class Run:
    """One call, in a time of its own.

    Attributes:
        asked: the addresses to which the request was sent, or should have been.
        waits: seconds of each pause.
        applied: how often a node may have executed the request.
    """

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        *,
        repeat: Repeatability = READ,
        urls: tuple[str, ...] = (A, B),
        timeout_s: float = 10,
        is_repeating: bool = True,
        has_independent_calls: bool = False,
        keeps_path: bool = False,
        budget: RetryBudget | None = None,
    ) -> None:
        self.now_s = 100.0
        self.addresses = Addresses(urls)
        self.asked: list[str] = []
        self.waits: list[float] = []
        self.timeouts: list[float] = []
        self.applied = 0
        self.call = Call(
            method="M",
            path="/x",
            repeat=repeat,
            addresses=self.addresses,
            rules=Rules(
                is_repeating=is_repeating,
                has_independent_calls=has_independent_calls,
                keeps_path=keeps_path,
                budget=budget or RetryBudget(),
                chance=lambda: 0.5,
                clock=lambda: self.now_s,
            ),
            deadline_s=self.now_s + timeout_s,
        )

    def by(self, came: Callable[[str], Came]) -> Reply:
        """Run the call; ``came`` says what becomes of an attempt at an address."""
        action = self.call.start()
        while not isinstance(action, Reply):
            if isinstance(action, Pause):
                self.waits.append(action.seconds)
                self.now_s += action.seconds
                action = self.call.start()
                continue
            assert isinstance(action, Attempt)
            self.asked.append(action.url.removesuffix("/x"))
            self.timeouts.append(action.timeout_s)
            outcome = came(action.url)
            self.now_s += PACE_S
            if outcome == NOT_SENT:
                action = self.call.not_sent("refused")
            elif isinstance(outcome, str):
                self.applied += 1
                action = self.call.no_answer("lost")
            else:
                self.applied += outcome is LATE or outcome.status < 300
                action = self.call.answered(outcome)
        return action

    def told(self, *came: Came) -> Reply:
        """Run the call, whose attempts come to these, one after the other."""
        told = iter(came)
        return self.by(lambda _: next(told))


@pytest.mark.parametrize("repeat", Repeatability)
def test_the_next_address_is_asked_where_nothing_was_sent(
    repeat: Repeatability,
) -> None:
    run = Run(repeat=repeat)
    assert run.told(NOT_SENT, OK) is OK
    assert run.asked == [A, B]
    assert run.waits == []
    assert run.addresses.order(is_write=True) == [B, A]


def test_an_outage_of_all_nodes_ends_a_call_at_once() -> None:
    run = Run()
    with pytest.raises(Unreachable, match=r"https://a: refused; .*https://b: refused"):
        run.told(NOT_SENT, NOT_SENT)
    assert run.waits == []


@pytest.mark.parametrize("repeat", Repeatability)
def test_what_was_not_executed_is_repeated_when_the_node_says(
    repeat: Repeatability,
) -> None:
    run = Run(repeat=repeat)
    assert run.told(BUSY, BUSY, OK) is OK
    assert run.asked == [A, B, A]
    assert all(wait >= 1 for wait in run.waits)


def test_a_wait_longer_than_the_time_left_is_not_begun() -> None:
    run = Run(timeout_s=2)
    assert run.told(BUSY, BUSY) is BUSY
    assert run.now_s < 102


def test_without_a_time_named_the_waits_grow() -> None:
    busy = reply(503, "PrimaryNotFound")
    run = Run()
    assert run.told(*[busy] * 5, OK) is OK
    assert all(after == 2 * before for before, after in pairwise(run.waits))


@pytest.mark.parametrize("came", [NO_ANSWER, LATE])
def test_a_write_without_an_answer_is_unknown(came: Came) -> None:
    run = Run(repeat=ONCE)
    with pytest.raises(OutcomeUnknown, match="M /x may have been applied, or not"):
        run.told(came)
    assert run.asked == [A]


@pytest.mark.parametrize("repeat", [READ, IDEMPOTENT])
@pytest.mark.parametrize("came", [NO_ANSWER, LATE])
def test_what_may_be_applied_twice_is_repeated_elsewhere(
    repeat: Repeatability, came: Came
) -> None:
    run = Run(repeat=repeat)
    assert run.told(came, OK) is OK
    assert run.asked == [A, B]


def test_an_idempotent_write_may_be_unknown_in_the_end() -> None:
    run = Run(repeat=IDEMPOTENT, timeout_s=0.02)
    with pytest.raises(OutcomeUnknown):
        run.told(NO_ANSWER)


@pytest.mark.parametrize("lost", [NO_ANSWER, LATE])
@pytest.mark.parametrize("then", [NOT_SENT, BUSY, reply(307, location="http://c")])
def test_an_attempt_that_may_have_been_applied_is_not_forgotten(
    lost: Came, then: Came
) -> None:
    run = Run(repeat=IDEMPOTENT, timeout_s=1)
    with pytest.raises(OutcomeUnknown):
        run.told(lost, *[then] * 20)


def test_a_read_without_an_answer_in_time_is_unreachable() -> None:
    run = Run(timeout_s=0.02)
    with pytest.raises(Unreachable) as refused:
        run.told(NO_ANSWER)
    assert not isinstance(refused.value, OutcomeUnknown)


def test_a_changed_view_is_the_callers_unless_calls_are_independent() -> None:
    assert Run(repeat=ONCE).told(VIEW) is VIEW
    assert Run(repeat=IDEMPOTENT).told(VIEW) is VIEW
    assert Run(repeat=READ).told(VIEW, OK) is OK
    assert Run(repeat=ONCE, has_independent_calls=True).told(VIEW, OK) is OK


def test_a_redirect_is_followed_and_remembered() -> None:
    run = Run(repeat=ONCE)
    assert run.told(TO_C, OK) is OK
    assert run.asked == [A, C]
    assert run.addresses.order(is_write=True) == [C, A, B]


def test_a_dead_primary_is_waited_for_while_others_redirect_to_it() -> None:
    elected_s = 103.0
    run = Run(repeat=ONCE, urls=(A, B, C))

    def came(url: str) -> Came:
        if url.startswith(C):
            return NOT_SENT
        return OK if run.now_s > elected_s else TO_C

    assert run.by(came) is OK
    assert run.now_s < elected_s + 3
    assert run.applied == 1


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("https://c/x", True),
        ("/x", True),
        ("/y", False),
        ("https://c/x?y", False),
        ("https://c/gov/x", False),
        ("https://[", False),
    ],
)
def test_a_redirect_to_another_path_can_be_an_answer(
    location: str, *, is_followed: bool
) -> None:
    redirect = reply(307, location=location)
    run = Run(repeat=ONCE, keeps_path=True)
    if is_followed:
        assert run.told(redirect, OK) is OK
    else:
        assert run.told(redirect) is redirect
        assert run.addresses.order(is_write=True) == [A, B]


def test_redirects_have_a_bound() -> None:
    run = Run()
    with pytest.raises(Unreachable, match=f"redirected {REDIRECTS_MAX} times"):
        run.by(lambda _: TO_C)
    assert len(run.asked) == REDIRECTS_MAX


def test_the_budget_bounds_what_no_node_asked_for() -> None:
    budget = RetryBudget(share=0, most=2)
    with pytest.raises(Unreachable):
        Run(budget=budget).told(NO_ANSWER, NO_ANSWER, NO_ANSWER)
    assert Run(budget=budget).told(BUSY, OK) is OK


def test_a_client_that_does_not_repeat_sends_each_request_once() -> None:
    assert Run(is_repeating=False).told(BUSY) is BUSY
    assert Run(is_repeating=False).told(VIEW) is VIEW
    assert Run(is_repeating=False).told(LATE) is LATE
    with pytest.raises(Unreachable):
        Run(is_repeating=False).told(NO_ANSWER)
    assert Run(is_repeating=False).told(NOT_SENT, OK) is OK


def test_a_node_that_hangs_leaves_time_for_the_next() -> None:
    run = Run(timeout_s=8)
    assert run.told(NO_ANSWER, OK) is OK
    assert run.timeouts[0] == pytest.approx(4)
    alone = Run(timeout_s=8, urls=(A,))
    assert alone.told(OK) is OK
    assert alone.timeouts == [pytest.approx(8)]
    once = Run(timeout_s=8, repeat=ONCE)
    assert once.told(OK) is OK
    assert once.timeouts == [pytest.approx(8)]


came = st.sampled_from(
    [
        *(NOT_SENT, NO_ANSWER, OK, BUSY, VIEW, LATE, TO_C),
        reply(503, "PrimaryNotFound"),
        reply(404, "X"),
        reply(503, "TransactionInvalid", **{TXID_HEADER.replace("-", "_"): "2.3"}),
    ]
)


@given(st.sampled_from(Repeatability), st.booleans(), st.lists(came, max_size=40))
def test_whatever_happens_a_call_keeps_its_promises(
    repeat: Repeatability, independent: bool, story: list[Came]
) -> None:
    run = Run(repeat=repeat, has_independent_calls=independent, timeout_s=5)
    answer: Reply | None = None
    told: Iterator[Came] = iter([*story, *[OK] * 100])
    try:
        answer = run.by(lambda _: next(told))
    except OutcomeUnknown:
        assert run.applied > 0
        assert repeat is not READ
    except Unreachable:
        assert run.applied == 0 or repeat is READ
    if repeat is ONCE:
        assert run.applied <= 1
    # The last attempt may end after the deadline; nothing begins after it.
    assert run.now_s <= 105 + PACE_S
    assert answer is None or answer.status != 307
    # No answer says that a write was not executed if it may have been before.
    if answer is not None and repeat is not READ and TXID_HEADER not in answer.headers:
        assert run.applied == 0 or answer.status != 503


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
