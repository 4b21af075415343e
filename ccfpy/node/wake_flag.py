"""Who has work at the end of a step, besides what clients asked for, rings.

Past states are read, indexes are told, token issuers are asked: all of that moves when
time passes, when something is committed, when the host or another node says something,
or when a request begins it. Most steps serve clients and nothing else. They would
find that there is nothing to do, which takes longer than it seems: it is code that
nobody else runs.
"""

from typing import final


@final
class Bell:
    """Remembers that somebody rang, until it is answered."""

    __slots__ = ("_is_rung",)

    def __init__(self) -> None:
        self._is_rung = False

    def ring(self) -> None:
        """Have the end of this step look for work, or that of the next."""
        self._is_rung = True

    def answer(self) -> bool:
        """Tell whether anybody rang since it was last answered."""
        is_rung, self._is_rung = self._is_rung, False
        return is_rung
