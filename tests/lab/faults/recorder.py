"""Records what clients do and see, in order, by one clock."""

import time
from collections.abc import Callable
from itertools import pairwise

from ccfpy.base.ids import TxId, View
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency.history import (
    Answered,
    Event,
    GivenUp,
    Op,
    Sent,
    StatusSeen,
)


class Recorder:
    """The history of a run while it happens.

    Args:
        now_s: the clock; the system's monotonic one by default.

    Attributes:
        events: what was recorded.
        undecided: ids of writes whose final status nobody has been told.
        write_answers: when each write was answered, and in which view.
        written: the objects that somebody wanted to write to.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.events: list[Event] = []
        self.undecided: dict[TxId, Op] = {}
        self.write_answers: list[tuple[float, View]] = []
        self.written: dict[str, None] = {}
        self._now_s = now_s
        self._start_s = now_s()
        self._requests: dict[Op, Sent] = {}
        self._committed: set[TxId] = set()

    def now_s(self) -> float:
        """Return the time since the run began, in seconds."""
        return self._now_s() - self._start_s

    def _now_us(self) -> int:
        return int(self.now_s() * 1e6)

    def sent(self, *, client: str, node: str, key: str, is_write: bool) -> Op:
        """Number a request that is about to be sent."""
        op = len(self._requests) + 1
        request = Sent(
            at_us=self._now_us(),
            client=client,
            node=node,
            op=op,
            key=key,
            is_write=is_write,
        )
        self._requests[op] = request
        if is_write:
            self.written[key] = None
        self.events.append(request)
        return op

    def answered(self, op: Op, *, txid: TxId, count: int, tail: tuple[Op, ...]) -> None:
        """Record an answer."""
        request = self._requests[op]
        self.events.append(
            Answered(
                at_us=self._now_us(),
                client=request.client,
                node=request.node,
                op=op,
                txid=txid,
                count=count,
                tail=tail,
            )
        )
        if request.is_write:
            self.undecided[txid] = op
            self.write_answers.append((self.now_s(), txid.view))

    def given_up(self, op: Op, reason: str) -> None:
        """Record that a client waits for an answer no longer."""
        request = self._requests[op]
        self.events.append(
            GivenUp(
                at_us=self._now_us(),
                client=request.client,
                node=request.node,
                op=op,
                reason=reason,
            )
        )

    def status(self, *, client: str, node: str, txid: TxId, status: TxStatus) -> None:
        """Record what a node says of a transaction."""
        self.events.append(
            StatusSeen(
                at_us=self._now_us(),
                client=client,
                node=node,
                txid=txid,
                status=status,
            )
        )
        if status in (TxStatus.COMMITTED, TxStatus.INVALID):
            self.undecided.pop(txid, None)
        if status is TxStatus.COMMITTED:
            self._committed.add(txid)

    def is_committed(self, txid: TxId) -> bool:
        """Return whether some node has called a transaction committed."""
        return txid in self._committed

    def longest_pause_s(self) -> float:
        """Return the longest time in which no write was answered, in seconds."""
        times = [at_s for at_s, _ in self.write_answers]
        return max(
            (later - earlier for earlier, later in pairwise(times)),
            default=0.0,
        )
