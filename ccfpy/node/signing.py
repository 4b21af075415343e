"""When the primary signs: after so many entries, or so much time, with any unsigned.

The timer keeps CCF's rhythm (``src/node/history.h``): it fires every ``delay`` whether
or not there was anything to sign, so an idle service adds nothing to its ledger.
"""


class SignatureTimer:
    """Counts entries and time between signatures."""

    __slots__ = ("_delay_ms", "_due_ms", "_tx_count")

    def __init__(self, *, tx_count: int, delay_ms: int, now_ms: int) -> None:
        self._tx_count = tx_count
        self._delay_ms = delay_ms
        self._due_ms = now_ms + delay_ms

    def is_due_by_count(self, unsigned: int) -> bool:
        """Tell whether enough entries wait to sign without waiting for the timer."""
        return unsigned >= max(self._tx_count, 1)

    def tick(self, now_ms: int, unsigned: int) -> bool:
        """Let time pass; tell whether to sign now.

        The host may lie: a clock that goes back must not put signatures off for ever.
        """
        self._due_ms = min(self._due_ms, now_ms + self._delay_ms)
        if now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self._delay_ms
        return unsigned > 0
