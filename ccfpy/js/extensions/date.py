"""``Date``: the time at which the call began, or the running time if a script asks.

The time comes from the host and is not trusted. It stands still unless the script calls
``ccf.enableUntrustedDateTime(true)``. For governance it always stands still: a call
that is replayed with the same time takes the same course.
"""

from collections.abc import Callable

from ccfpy.js.extension import StatelessExtension, own_source

_SOURCE = own_source(__name__)


def date_extension(unix_time_ms: Callable[[], int]) -> StatelessExtension:
    """Return the extension ``Date``; ``unix_time_ms`` returns the time since 1970."""
    return StatelessExtension(_SOURCE, {"now": unix_time_ms})


def frozen_date_extension(unix_time_ms: int) -> StatelessExtension:
    """Return the extension ``Date``, with a time that stands still."""
    return date_extension(lambda: unix_time_ms)
