"""The node's time."""

from datetime import UTC, datetime

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.node.ports import HostClock


def test_the_time_is_what_the_host_last_said() -> None:
    time = HostClock(monotonic_ms=0, unix_us=1_500_000)
    assert time.now == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("unix_us", [10**18, 10**30, -(10**18)])
def test_a_time_that_no_calendar_has_is_refused(unix_us: int) -> None:
    with pytest.raises(Malformed, match="the host's clock is wrong"):
        _ = HostClock(monotonic_ms=0, unix_us=unix_us).now
