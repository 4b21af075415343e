"""Asking the host for entries of its ledger, as many as fit one answer.

The host's answer is not trusted: the asking code checks every entry. An answer that
does not fit its question counts as nothing found.
"""

from collections.abc import Callable, Sequence

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import Seqno
from ccfpy.boundary.effects import ReadLedger
from ccfpy.boundary.events import LedgerRead
from ccfpy.node.outbox import Outbox

Then = Callable[[Sequence[bytes] | None], None]


class LedgerReads:
    """The questions that the host has not answered yet."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._asked: dict[int, tuple[ReadLedger, Then]] = {}
        self._count = 0

    def read(self, first: Seqno, last: Seqno, *, then: Then) -> None:
        """Read entries from ``first`` on, up to ``last`` or fewer.

        Args:
            first: the first entry.
            last: the last that is of use.
            then: told them in a later step: at least one, or nothing if there are none.

        Raises:
            LimitExceeded: too many questions await their answers.
        """
        assert 0 < first <= last, (first, last)
        if len(self._asked) >= limits.LEDGER_READS_MAX:
            raise LimitExceeded(
                f"{limits.LEDGER_READS_MAX} reads of the ledger are under way"
            )
        self._count += 1
        effect = ReadLedger(request=self._count, first=first, last=last)
        self._asked[self._count] = effect, then
        self._outbox.put(effect)

    def answered(self, event: LedgerRead) -> None:
        """Receive the host's answer."""
        asked = self._asked.pop(event.request, None)
        if asked is None:
            self._outbox.info(f"Nobody asked for read {event.request}")
            return
        effect, then = asked
        entries = event.entries
        if not entries:
            then(None)
            return
        if (
            event.first != effect.first
            or event.last != event.first + len(entries) - 1
            or event.last > effect.last
        ):
            self._outbox.fail("The host answered another read of the ledger than asked")
            then(None)
            return
        then(entries)
