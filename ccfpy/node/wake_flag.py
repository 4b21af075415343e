"""A flag that asks the end of a step to look for work besides the clients' requests.

Past states, indexes and keys of token issuers move on when time passes, when an entry
is committed, when the host or another node answers, or when a request asks for them.
Most steps do nothing but serve clients. Without the flag each of those steps would run
code that finds nothing to do and displaces the code of requests from the caches.
"""

from typing import final


@final
class WakeFlag:
    """Remember that there may be work, until the end of a step takes the flag."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Make the end of this step, or of the next one, look for work."""
        self._is_set = True

    def take(self) -> bool:
        """Clear the flag and return whether it was set."""
        is_set, self._is_set = self._is_set, False
        return is_set
