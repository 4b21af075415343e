"""The questions to an engine, and its reports."""

from ccfpy.base import limits
from ccfpy.js.engine import JsException, JsLimit, JsLimitExceeded, JsLimits


def test_limits_can_be_kept_from_falling_below_their_defaults() -> None:
    low = JsLimits(heap_bytes_max=1, stack_bytes_max=1, execution_ms_max=1)
    assert low.at_least_defaults() == JsLimits()
    high = JsLimits(execution_ms_max=limits.JS_EXECUTION_MS_MAX + 1)
    assert high.at_least_defaults() == high


def test_a_limit_is_an_exception_with_its_name() -> None:
    error = JsLimitExceeded(JsLimit.HEAP, "InternalError: out of memory")
    assert isinstance(error, JsException)
    assert (error.which, error.trace) == (JsLimit.HEAP, None)
    assert str(error) == error.reason == "InternalError: out of memory"
