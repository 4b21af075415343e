"""When the primary signs: after a number of entries, or after a time.

The timer keeps CCF's rhythm (``src/node/history.h``): it fires every ``delay``. The
primary signs only if an entry is unsigned, so an idle service adds nothing to its
ledger.

Signing *early* is an extension: a primary signs as soon as an entry is unsigned and the
last signature is committed, but at most every few milliseconds. A signature costs as
much as many writes. While each signature covers many entries, or while many requests
come at once, the next signature therefore waits twice as long, up to a bound. If a
caller waits for the commit, the wait ends when no more entries come.
"""

from ccfpy.base import limits


class SignatureTimer:
    """Counts entries and time between signatures.

    Attributes:
        is_early: whether signing early was asked for.
    """

    def __init__(
        self, *, tx_count: int, delay_ms: int, now_ms: int, is_early: bool = False
    ) -> None:
        self.is_early = is_early
        self._signed_ms = now_ms - limits.EARLY_SIGNATURE_MS
        self._early_wait_ms = limits.EARLY_SIGNATURE_MS
        self._seen = 0
        self._grew_ms = now_ms
        self._most_events = 0
        self._tx_count = max(tx_count, 1)
        self._delay_ms = delay_ms
        self._due_ms = now_ms + delay_ms

    def is_due_by_count(self, unsigned: int) -> bool:
        """Return whether enough entries wait to sign without waiting for the timer."""
        return unsigned >= self._tx_count

    def tick(self, now_ms: int, unsigned: int) -> bool:
        """Advance the clock; return whether to sign now.

        The host may lie: a clock that goes back must not put signatures off for ever.
        """
        self._due_ms = min(self._due_ms, now_ms + self._delay_ms)
        if now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self._delay_ms
        return unsigned > 0

    def saw(self, events: int) -> None:
        """Note how many events a turn has: they came while the last one was at work."""
        if events > self._most_events:  # noqa: PLR1730 - max() would be one more call
            self._most_events = events

    def is_due_early(self, now_ms: int, unsigned: int, *, is_awaited: bool) -> bool:
        """Return whether to sign at the end of this turn, without waiting longer.

        Args:
            now_ms: the host's clock.
            unsigned: entries since the last signature.
            is_awaited: clients are not answered before the next one.
        """
        if unsigned != self._seen:
            self._seen = unsigned
            self._grew_ms = now_ms
        if not unsigned:
            return False
        since_ms = now_ms - self._signed_ms
        if since_ms < 0:  # the host's clock went back
            return True
        wait_ms = self._early_wait_ms
        if is_awaited and now_ms - self._grew_ms >= limits.EARLY_SIGNATURE_MS:
            wait_ms = limits.EARLY_SIGNATURE_MS
        return since_ms >= wait_ms

    def signed(self, now_ms: int, unsigned: int) -> None:
        """Note that a signature was made over so many entries."""
        self._signed_ms = now_ms
        self._seen = 0
        most_events, self._most_events = self._most_events, 0
        if (
            unsigned <= limits.EARLY_SIGNATURE_FEW_TX
            and most_events <= limits.EARLY_SIGNATURE_FEW_EVENTS
        ):
            self._early_wait_ms = limits.EARLY_SIGNATURE_MS
        else:
            self._early_wait_ms = min(
                2 * self._early_wait_ms, limits.EARLY_SIGNATURE_BUSY_MS
            )
