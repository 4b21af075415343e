"""Where records were written, learnt by reading the committed ledger once, in order.

Each node has its own, in memory. It grows as far as somebody asks: reading goes on with
every request that needs more of it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from apps.logging.records import ID, MESSAGE, PUBLIC
from ccfpy.app import Context, HistoricalState, History, Seqno, TxId

STATES_PER_READ = 10_000
"""States asked for at once."""

Kind = TypeVar("Kind")
_Key = tuple[str, bytes]
"""A table and one of its keys."""


class Follower(Protocol):
    """Something that is told of every committed transaction, in order."""

    def __hash__(self) -> int:
        """Tell it from others."""
        ...

    @property
    def last(self) -> Seqno:
        """The last that it was told of."""
        ...

    def take(self, state: HistoricalState) -> None:
        """Be told of the next one."""
        ...


def follow(follower: Follower, history: History, to: Seqno) -> bool:
    """Tell a follower of what was committed up to ``to``; say whether it knows all.

    If not, more of it is on its way: ask again.
    """
    while follower.last < to:
        first = follower.last + 1
        last = min(follower.last + STATES_PER_READ, to)
        states = history.states_range(follower, first, last)
        if states is None:
            return False
        for state in states:
            follower.take(state)
        history.drop_request(follower)
    return True


class SeqnosById:
    """Which transactions wrote a public record."""

    def __init__(self) -> None:
        self.last: Seqno = 0
        self._seqnos: defaultdict[_Key, array[int]] = defaultdict(lambda: array("Q"))

    def take(self, state: HistoricalState) -> None:
        """Note which records the next transaction wrote."""
        self.last = state.txid.seqno
        for table, writes in state.writes.items():
            if table.startswith(PUBLIC):
                for key in writes:
                    self._seqnos[table, key].append(self.last)

    def between(self, table: str, id_: int, first: Seqno, last: Seqno) -> list[Seqno]:
        """List the transactions that wrote a record, within bounds."""
        seqnos = self._seqnos.get((table, ID.encode(id_)))
        if seqnos is None:
            return []
        return list(seqnos[bisect_left(seqnos, first) : bisect_right(seqnos, last)])


class CommittedRecords:
    """The committed messages of one table, from some transaction on.

    Attributes:
        txid: the last transaction that counts.
        messages: by id.
    """

    def __init__(self, table: str, since: TxId) -> None:
        self.txid = since
        self.messages: dict[int, str] = {}
        self._table = table

    @property
    def last(self) -> Seqno:
        """The last seqno that counts."""
        return self.txid.seqno

    def take(self, state: HistoricalState) -> None:
        """Keep what the next transaction wrote."""
        self.txid = state.txid
        for key, value in state.writes.get(self._table, {}).items():
            if value is None:
                self.messages.pop(ID.decode(key), None)
            else:
                self.messages[ID.decode(key)] = MESSAGE.decode(value)


class OfEachNode(Generic[Kind]):
    """A thing of which each node has its own, as long as the node is there.

    There is more than one node in a process only in tests.
    """

    def __init__(self) -> None:
        self._things: WeakKeyDictionary[History, Kind] = WeakKeyDictionary()

    def get(self, ctx: Context) -> Kind | None:
        """Give the node's own, if it has one."""
        return self._things.get(ctx.node.history)

    def put(self, ctx: Context, thing: Kind) -> None:
        """Let a node have its own from now on."""
        self._things[ctx.node.history] = thing

    def remove(self, ctx: Context) -> bool:
        """Let a node have none any more; tell whether it had one."""
        return self._things.pop(ctx.node.history, None) is not None

    def get_or(self, ctx: Context, make: Callable[[], Kind]) -> Kind:
        """Give the node's own, made now if need be."""
        thing = self.get(ctx)
        if thing is None:
            thing = make()
            self.put(ctx, thing)
        return thing
