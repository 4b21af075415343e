"""The answer to a caller after a defect: that there was one, and its id in the log.

An exception's text may hold other callers' data, so the text never goes to the caller.
Scripts in JavaScript are the only exception: members decide by
``set_js_runtime_options`` what callers of scripts learn.
"""

from typing import Final

from ccfpy.base.errors import Unwritable
from ccfpy.base.ports import CallStopped

TIMED_OUT: Final = "Operation took too long to complete."
"""CCF's text for the caller of a script that takes too long."""
TOO_MUCH_MEMORY: Final = "Operation took too much memory."
UNWRITABLE: Final = "The answer is too large, or of no form that can be sent."
FAILED: Final = "The request failed within the service."
LOGGED_AS: Final = "The node's log has the reason under"
"""The words before the id."""


def words_for(error: Exception) -> str:
    """Return words for the kind of a defect."""
    if isinstance(error, CallStopped):
        return TIMED_OUT if error.is_late else TOO_MUCH_MEMORY
    return UNWRITABLE if isinstance(error, Unwritable) else FAILED
