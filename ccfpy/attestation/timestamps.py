"""The time at which evidence must hold, as whoever runs the machine says it."""

from datetime import UTC, datetime

from ccfpy.base.errors import Malformed


def as_datetime(unix_time_s: int) -> datetime:
    """Give a time in seconds since 1970 as certificates have theirs.

    Raises:
        Malformed: it is beyond all calendars.
    """
    try:
        return datetime.fromtimestamp(unix_time_s, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"not a time: {unix_time_s} s since 1970") from error
