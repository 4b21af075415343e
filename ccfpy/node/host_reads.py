"""Reads of the host's ledger entries and committed snapshots, in bounded pieces.

The host's answers are not trusted, and an answer that does not fit its question counts
as nothing found. The reader of ledger entries verifies each entry. A node that starts
from a snapshot verifies it; a node that passes a snapshot on claims only that its host
has it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import Seqno
from ccfpy.boundary.effects import ReadLedger, ReadSnapshot
from ccfpy.boundary.events import LedgerRead, SnapshotRead
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


class Found(NamedTuple):
    """A file that the host says it has.

    Attributes:
        size: its bytes.
    """

    name: str
    size: int


_Then: TypeAlias = Callable[[SnapshotRead | None], None]


class SnapshotReads:
    """The questions that the host has not answered yet."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._asked: dict[int, tuple[ReadSnapshot, _Then]] = {}
        self._count = 0

    def look(
        self,
        *,
        then: Callable[[Found | None], None],
        name: str | None = None,
        since: Seqno = 0,
    ) -> None:
        """Find a snapshot's name and size.

        Args:
            then: called in a later step; with nothing if there is no snapshot.
            name: the wanted snapshot's name, or nothing for the latest.
            since: the latest snapshot counts only if it is of this seqno or later.

        Raises:
            LimitExceeded: too many questions await their answers.
        """

        def answered(read: SnapshotRead | None) -> None:
            if read is None or read.name is None:
                then(None)
            else:
                then(Found(read.name, read.size))

        self._ask(name, since=since, start=0, stop=0, then=answered)

    def read(
        self,
        found: Found,
        *,
        start: int,
        stop: int,
        then: Callable[[bytes | None], None],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Read the bytes from ``start`` up to but without ``stop``, within the file.

        Args:
            found: the file, as it was found.
            start: the first byte.
            stop: the byte after the last.
            then: told all of them, in a later step; nothing if the host has them not.
            is_wanted: asked before each piece; when it says no, ``then`` hears nothing.

        Raises:
            LimitExceeded: too many questions await their answers.
        """
        assert 0 <= start <= stop <= found.size, (start, stop, found)
        pieces: list[bytes] = []

        def ask(position: int) -> None:
            def answered(read: SnapshotRead | None) -> None:
                if not is_wanted():
                    return
                if (
                    read is None
                    or (read.name, read.size) != found
                    or (not read.data and position < stop)
                ):
                    then(None)
                    return
                pieces.append(read.data)
                reached = position + len(read.data)
                if reached >= stop:
                    then(b"".join(pieces))
                else:
                    # A question has just been answered, so there is room for this one.
                    ask(reached)

            last = min(stop, position + limits.SNAPSHOT_READ_BYTES_MAX)
            self._ask(found.name, since=0, start=position, stop=last, then=answered)

        ask(start)

    def answered(self, event: SnapshotRead) -> None:
        """Receive the host's answer."""
        asked = self._asked.pop(event.request, None)
        if asked is None:
            self._outbox.info(f"Nobody asked for snapshot read {event.request}")
            return
        effect, then = asked
        if _answers(event, effect):
            then(event)
        else:
            self._outbox.fail("The host answered another read of a snapshot than asked")
            then(None)

    def _ask(
        self,
        name: str | None,
        *,
        since: Seqno,
        start: int,
        stop: int,
        then: _Then,
    ) -> None:
        if len(self._asked) >= limits.SNAPSHOT_READS_MAX:
            raise LimitExceeded(
                f"{limits.SNAPSHOT_READS_MAX} reads of snapshots are under way"
            )
        self._count += 1
        effect = ReadSnapshot(
            request=self._count, name=name, since=since, start=start, stop=stop
        )
        self._asked[self._count] = effect, then
        self._outbox.put(effect)


def _answers(event: SnapshotRead, asked: ReadSnapshot) -> bool:
    """Return whether an answer is one to this question."""
    if event.name is None:
        return True
    return (
        asked.name in (None, event.name)
        and event.start == asked.start
        and event.size >= 0
        and len(event.data) <= max(min(asked.stop, event.size) - asked.start, 0)
    )
