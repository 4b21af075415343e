"""Nothing is under way at first."""

from ccfpy.endpoints.underway import Underway


def test_nobody_asked_at_first() -> None:
    underway = Underway()
    assert underway.recipient is None
    assert underway.frontend is None
    assert underway.endpoint is None
    assert underway.awaited is None
