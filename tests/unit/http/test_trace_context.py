"""What W3C Trace Context allows, and what is as good as no header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import TRACESTATE_CHARS_MAX
from ccfpy.http.trace_context import TraceContext

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"
OURS = bytes.fromhex("c0ffee00c0ffee00")


def parsed(header: str) -> TraceContext:
    context = TraceContext.parse(header)
    assert context is not None
    return context


def test_a_header_names_trace_span_and_flags() -> None:
    context = parsed(HEADER)
    assert context.trace.hex() == TRACE
    assert context.span.hex() == SPAN
    assert context.flags == 1


@pytest.mark.parametrize(
    ("flags", "is_sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)]
)
def test_one_flag_says_whether_the_trace_is_recorded(
    flags: str, *, is_sampled: bool
) -> None:
    assert parsed(f"00-{TRACE}-{SPAN}-{flags}").is_sampled is is_sampled


@pytest.mark.parametrize("header", [f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-x"])
def test_a_later_version_is_read_as_far_as_it_is_known(header: str) -> None:
    assert parsed(header).trace.hex() == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"0A-{TRACE}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"00_{TRACE}-{SPAN}-01",
        f" {HEADER}",
        f"{HEADER}\n",
        f"00-{TRACE[:-1]}\u0661-{SPAN}-01",
    ],
)
def test_a_header_that_breaks_the_rules_is_as_good_as_none(header: str) -> None:
    assert TraceContext.parse(header) is None


@given(st.text(alphabet="0123456789abcdefg-F\n", max_size=60))
def test_no_header_is_an_error(header: str) -> None:
    context = TraceContext.parse(header)
    assert context is None or (any(context.trace) and any(context.span))


def test_what_is_handed_on_has_a_new_parent_and_every_other_header() -> None:
    headers = {"a": "1", "traceparent": HEADER, "tracestate": "x=1", "b": "2"}
    changed = parsed(HEADER).handed_on(headers, OURS)
    assert changed == headers | {"traceparent": f"00-{TRACE}-{OURS.hex()}-01"}
    assert list(changed) == list(headers)
    assert headers["traceparent"] == HEADER


def test_what_is_handed_on_has_our_version_and_the_flags_that_we_know() -> None:
    changed = parsed(f"cc-{TRACE}-{SPAN}-ff-more").handed_on({}, OURS)
    assert changed == {"traceparent": f"00-{TRACE}-{OURS.hex()}-03"}


def test_a_state_is_handed_on_in_whole_members_up_to_the_bound() -> None:
    most = f"a={'1' * (TRACESTATE_CHARS_MAX - 8)},old=1"
    for state, expected in {
        most: most,
        f"n={most}": f"n={most}".rpartition(",")[0],
        f"{most},older=1": most,
        "a" * (TRACESTATE_CHARS_MAX + 1): "",
    }.items():
        changed = parsed(HEADER).handed_on({"tracestate": state}, OURS)
        assert changed["tracestate"] == expected
        assert len(expected) <= TRACESTATE_CHARS_MAX
