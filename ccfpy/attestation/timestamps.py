"""The time at which evidence must hold, as the machine's operator says it."""

from datetime import UTC, datetime

from ccfpy.base.errors import Malformed


def as_datetime(unix_time_s: int) -> datetime:
    """Return a time in seconds since 1970 as a datetime in UTC, as certificates use.

    Raises:
        Malformed: it is beyond all calendars.
    """
    try:
        return datetime.fromtimestamp(unix_time_s, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"not a time: {unix_time_s} s since 1970") from error
