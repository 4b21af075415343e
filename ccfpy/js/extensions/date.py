"""``Date``: the time at which the call began, or the running time if a script asks.

The time comes from the host and is not trusted. It stands still unless the script calls
``ccf.enableUntrustedDateTime(true)``. For governance it always stands still: a call
that is replayed with the same time takes the same course.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ccfpy.js.extension import ExtensionFunction, own_source


class DateExtension:
    """The extension ``Date``.

    Args:
        unix_time_ms: returns the time, in milliseconds since 1970.
    """

    source: Final = own_source(__name__)

    def __init__(self, unix_time_ms: Callable[[], int]) -> None:
        self._unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"now": self._unix_time_ms}


class FrozenDateExtension(DateExtension):
    """The extension ``Date``, with a time that stands still."""

    def __init__(self, unix_time_ms: int) -> None:
        super().__init__(lambda: unix_time_ms)
