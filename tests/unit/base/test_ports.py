"""A watchdog's report on a call that it stopped."""

from ccfpy.base.ports import CallStopped


def test_a_stopped_call_says_why() -> None:
    stopped = CallStopped("it took 9 ms, and may take 8 ms", is_late=True)
    assert str(stopped) == stopped.reason == "it took 9 ms, and may take 8 ms"
    assert stopped.is_late
