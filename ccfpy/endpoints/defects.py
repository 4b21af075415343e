"""The answer to a caller after a defect: that there was one, and its id in the log.

An exception's text may hold other callers' data, so the text never goes to the caller.
Scripts in JavaScript are the only exception: members decide by
``set_js_runtime_options`` what callers of scripts learn.
"""

from typing import Final, NamedTuple

from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import TxId
from ccfpy.base.ports import CallStopped

TIMED_OUT: Final = "Operation took too long to complete."
"""CCF's text for the caller of a script that takes too long."""
TOO_MUCH_MEMORY: Final = "Operation took too much memory."
UNWRITABLE: Final = "The answer is too large, or of no form that can be sent."
FAILED: Final = "The request failed within the service."
LOGGED_AS: Final = "The node's log has the reason under"
"""The words before the id."""


class Marks(NamedTuple):
    """What the log names beside a defect's own id, as far as there is any.

    Attributes:
        trace: of the request that met the defect, in hex.
        transaction: what the request has committed all the same.
    """

    trace: str | None = None
    transaction: TxId | None = None

    def __str__(self) -> str:
        """Return what follows the id."""
        trace = "" if self.trace is None else f", trace {self.trace}"
        if self.transaction is None:
            return trace
        return f"{trace}, transaction {self.transaction}"


def words_for(error: Exception) -> str:
    """Return words for the kind of a defect."""
    if isinstance(error, CallStopped):
        return TIMED_OUT if error.is_late else TOO_MUCH_MEMORY
    return UNWRITABLE if isinstance(error, Unwritable) else FAILED
