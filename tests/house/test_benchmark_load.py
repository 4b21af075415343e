"""How benchmarks load a service: the requests, their processors, and the counts."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import mixes
from benchmarks.harness import costs, counts, works
from benchmarks.harness.asking import Asked
from benchmarks.harness.costs import Known, Subject, figures
from benchmarks.harness.counts import BUCKETS, FILE_BYTES, STEPS, Counts, bucket
from benchmarks.harness.generator import Failed, written
from benchmarks.harness.load import is_whole, requests_in
from benchmarks.harness.pinning import Layout, cores
from benchmarks.harness.question import Settings
from benchmarks.harness.service import Service, environment

LONGEST_US = 2**32 - 1


@given(st.integers(0, LONGEST_US))
def test_a_bucket_is_no_wider_than_a_sixteenth_of_what_it_holds(us: int) -> None:
    assert abs(counts.middle_us(bucket(us)) - us) <= max(0.5, us / (2 * STEPS))


@given(st.integers(0, LONGEST_US))
def test_a_longer_time_has_no_earlier_bucket(us: int) -> None:
    assert bucket(us) <= bucket(us + 1) <= bucket(us) + 1


@pytest.mark.parametrize(
    ("us", "index"),
    [(0, 0), (15, 15), (16, 16), (31, 31), (32, 32), (33, 32), (34, 33)],
)
def test_the_first_buckets(us: int, index: int) -> None:
    assert bucket(us) == index


def test_the_last_bucket_holds_all_beyond_it() -> None:
    assert bucket(LONGEST_US) == BUCKETS - 1
    assert bucket(2**40) == BUCKETS - 1


def counted(times_us: list[int], sent: int = 0) -> Counts:
    answers = [0] * BUCKETS
    for us in times_us:
        answers[bucket(us)] += 1
    return Counts(connected=1, sent=sent, answers=tuple(answers))


@given(st.lists(st.integers(1, 10**7), min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_within_a_bucket_of_the_true_one(
    times_us: list[int], part: float
) -> None:
    place = next(
        place for place in range(len(times_us)) if place + 1 >= part * len(times_us)
    )
    true_us = sorted(times_us)[place]
    found_us = 1000 * counted(times_us).quantile_ms(part)
    assert found_us == pytest.approx(true_us, rel=1 / STEPS, abs=0.5)


def test_without_an_answer_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no answer came"):
        counted([]).quantile_ms(0.5)


def test_a_while_is_the_difference_of_its_ends() -> None:
    before, after = counted([100], sent=5), counted([100, 300, 300], sent=9)
    between = after.since(before)
    assert between.sent == 4
    assert between == counted([300, 300], sent=4).__class__(
        connected=0, sent=4, answers=counted([300, 300]).answers
    )


def test_counts_are_read_from_the_shared_bytes() -> None:
    shared = bytearray(FILE_BYTES)
    view = memoryview(shared).cast("Q")
    view[0], view[1], view[2 + bucket(50)] = 3, 7, 1
    assert counts.read(view) == Counts(
        connected=3, sent=7, answers=counted([50]).answers
    )


@pytest.mark.parametrize(
    ("layout", "available", "expected"),
    [
        (Layout.ONE_CORE, {0, 1}, ({0}, {0})),
        (Layout.APART, {0, 1}, ({0}, {1})),
        (Layout.APART, {2, 3, 5}, ({2}, {3, 5})),
        (Layout.APART, {4}, ({4}, {4})),
        (Layout.FREE, {0, 1}, ({0, 1}, {0, 1})),
    ],
)
def test_who_runs_where(
    layout: Layout, available: set[int], expected: tuple[set[int], set[int]]
) -> None:
    assert cores(layout, available) == expected


@given(st.lists(st.binary()))
def test_requests_are_read_from_a_file_as_they_were_written(
    requests: list[bytes],
) -> None:
    assert requests_in(written(requests)) == requests


@pytest.mark.parametrize("size", [0, 1, 20, 65536])
def test_a_message_is_as_long_as_it_is_asked_to_be(size: int) -> None:
    for request in works.writes("public", size).requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /app/log/public HTTP/1.1\r\n")
        assert f"content-length: {len(body)}" in head.decode()
        assert len(body) - len(body.replace(b"x", b"")) == max(0, size - 8)


def test_reads_ask_for_what_was_written_before() -> None:
    work = works.reads()
    assert work.before == works.writes().requests
    assert work.requests[7].startswith(b"GET /app/log/private?id=7 HTTP/1.1\r\n")
    assert b'{"id": 7, ' in work.before[7]


@given(st.integers(0, 100))
def test_a_mix_has_the_share_of_reads_that_it_is_named_after(percent: int) -> None:
    work = works.mixed(Fraction(percent, 100))
    assert sum(each.startswith(b"GET") for each in work.requests) == percent
    assert work.name == f"{percent}% reads"


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-a: b\r\n\r\ntrue"


@pytest.mark.parametrize("size", range(len(ANSWER) + 1))
def test_an_answer_is_whole_when_all_of_its_body_is_there(size: int) -> None:
    assert is_whole(ANSWER[:size]) is (size == len(ANSWER))


def test_an_answer_without_a_body_is_whole_after_its_head() -> None:
    assert is_whole(b"HTTP/1.1 204 No Content\r\n\r\n")


def asked(cpu_us: float) -> Asked:
    return Asked(cpu_us=cpu_us, per_s=1000, p50_ms=1, p99_ms=2)


def test_a_while_in_which_nothing_is_answered_is_no_measurement() -> None:
    measured = Asked.of(counted([100] * 4, sent=4), spent_s=2e-4, passed_s=2)
    assert (measured.cpu_us, measured.per_s) == (50, 2)
    for nothing in (counted([]), counted([], sent=3)):
        with pytest.raises(Failed, match=r"nothing was answered for 2.0 s"):
            Asked.of(nothing, spent_s=1, passed_s=2)


def test_each_figure_of_a_cost_stands_beside_its_budget() -> None:
    told = {Layout.ONE_CORE: [asked(20), asked(30)], Layout.FREE: [asked(40)]}
    known = Known(cpu_us={100: 25}, per_s={100: 26_000})
    subject = Subject(what="private write", plot="Requests", series="write")
    found = list(figures(told, subject, 100, known))
    assert [(each.name, each.median, each.budget) for each in found] == [
        ("private write, 100 connections: CPU, one core", 25, 25),
        ("private write, 100 connections: CPU, not pinned", 40, None),
        ("private write, 100 connections: answered", 1000, 26_000),
        ("private write, 100 connections: latency, p50", 1, None),
        ("private write, 100 connections: latency, p99", 2, None),
    ]
    assert {each.point.x for each in found if each.point} == {100}
    assert next(figures(told, subject, 1, known)).name.startswith(
        "private write, 1 connection:"
    )


def test_a_mix_is_compared_with_its_parts_turn_by_turn() -> None:
    by_percent = {
        0: [asked(40), asked(80)],
        50: [asked(30), asked(90)],
        90: [asked(44), asked(30)],
        100: [asked(20), asked(40)],
    }
    half, most = mixes.dearer(by_percent, connections=100)
    assert half.name == "50% reads, 100 connections, to what its parts cost"
    assert half.values == pytest.approx((1, 1.5))
    assert half.is_exceeded(1)
    assert most.values == pytest.approx((2, 30 / 44))


def test_kinds_of_requests_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = []

    def ask(_service: object, work: works.Work, **_how: object) -> costs.Told:
        turns.append(work.name)
        return {layout: [asked(len(turns))] for layout in costs.LAYOUTS}

    monkeypatch.setattr(costs, "ask_often", ask)
    nowhere = Service(host="", port=0, ports=(), pids=(), common=Path())
    kinds = [works.writes(), works.reads()]
    told = costs.in_turns(nowhere, kinds, Settings(repeats=2), 10)
    assert turns == ["private write", "private read"] * 2
    assert [[each.cpu_us for each in whiles[Layout.ONE_CORE]] for whiles in told] == [
        [1, 3],
        [2, 4],
    ]


def test_a_service_under_load_compiles_no_engine_that_an_earlier_one_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    loaded = environment()
    assert "PYTHONDONTWRITEBYTECODE" not in loaded
    assert loaded["PYTHONSAFEPATH"] == "1"
