"""The state that a failed call leaves behind."""

from ccfpy.js.extension import type_error
from ccfpy.js.quickjs.script_instance import Call, bounded, script_trace


class StandingClock:
    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns


class BrokenClock:
    def monotonic_ns(self) -> int:
        raise OSError("no time")


def test_time_is_over_after_the_deadline_and_stays_over() -> None:
    clock = StandingClock()
    call = Call(clock)
    call.deadline_ns = 5
    clock.now_ns = 5
    assert not call.is_over()
    clock.now_ns = 6
    assert call.is_over()
    assert call.timed_out


def test_a_clock_that_fails_ends_the_call_and_is_not_forgotten() -> None:
    call = Call(BrokenClock())
    assert call.is_over()
    assert isinstance(call.python_error, OSError)
    assert not call.timed_out


def test_a_throw_is_collected_in_two_parts() -> None:
    call = Call(StandingClock())
    call.thrown = type_error("why")
    assert (call.collect_throw(True), call.collect_throw(False)) == ("TypeError", "why")


def test_a_report_that_is_no_text_says_nothing() -> None:
    call = Call(StandingClock())
    call.report(7, 8)
    assert call.failure is not None
    assert (call.failure.reason, call.failure.trace) == ("", None)


def test_frames_of_the_node_are_not_the_guests_business() -> None:
    trace = "    at f (a.js:1:2)\n    at apply (native)\n    at call (<ccf>:3:4)\n"
    assert script_trace(trace) == "    at f (a.js:1:2)\n"
    assert script_trace(None) is None


def test_half_a_character_becomes_a_question_mark() -> None:
    assert bounded("a\ud800") == "a?"
