"""How long to wait before a request is sent again, and how often that may happen.

A client that waits ever longer, each time for a random part of the wait, lets a service
recover from an outage. The budget bounds what all calls of a connection repeat on their
own account, so that an outage does not double the load. What a node asks to be repeated
by ``Retry-After`` is not on that account: the node sets the pace.
"""

from collections.abc import Mapping

from ccfpy.client.outcomes import RETRY_AFTER

WAIT_FIRST_S = 0.05
WAIT_MAX_S = 2.0
BUDGET_SHARE = 0.1
"""Repeated attempts for each call."""
BUDGET_MAX = 10.0
"""Repeated attempts that may be saved up; a new connection begins with as many."""
SPREAD = 0.25
"""By which part at most a wait that a node asks for is extended, so that clients do not
all come back at once."""

_DOUBLINGS_MAX = 16
_DIGITS_MAX = 6


def wait_s(repeated: int, *, chance: float, asked_s: float | None = None) -> float:
    """Return how long to wait, in seconds.

    Args:
        repeated: how often the call was repeated before.
        chance: at random, at least 0 and less than 1.
        asked_s: what the node asked for, if it did.
    """
    if asked_s is not None and asked_s > 0:
        return asked_s * (1 + SPREAD * chance)
    longest = WAIT_FIRST_S * float(2 ** min(repeated, _DOUBLINGS_MAX))
    return min(longest, WAIT_MAX_S) * chance


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``, or nothing where they are no number.

    The header's other form, a date, is not what a node sends.
    """
    text = headers.get(RETRY_AFTER, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX:
        return None
    return float(text)


class RetryBudget:
    """How many attempts the calls of one connection may repeat."""

    def __init__(
        self, *, share: float = BUDGET_SHARE, most: float = BUDGET_MAX
    ) -> None:
        self._share = share
        self._most = most
        self._saved = most

    def earn(self) -> None:
        """Count a call."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take one repetition from the budget; return whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
