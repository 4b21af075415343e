"""What a caller is told of a defect: that there was one, and its id in the log.

An exception's text may hold what other callers keep in the service, so that it never
goes to whoever happened to meet it. Scripts in JavaScript alone are different: members
decide by ``set_js_runtime_options`` what their callers are told.
"""

from typing import Final

from ccfpy.base.errors import Unwritable
from ccfpy.base.ports import CallStopped

TIMED_OUT: Final = "Operation took too long to complete."
"""CCF's words to whoever calls a script that does."""
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
