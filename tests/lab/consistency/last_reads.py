"""What every node shows once all faults are over.

A client whose name is `LAST` reads every object by every node, and its reads are
linearizable, which the primary answers. `LAST_HERE` reads what each node has itself.
Each committed write must then be there, in its place and once.
"""

from collections.abc import Collection, Iterable, Mapping

from tests.lab.consistency.facts import Facts, gather
from tests.lab.consistency.history import Answered, Event, GivenUp, Sent
from tests.lab.consistency.linearizable import NOT_EQUAL, SERIALIZABLE
from tests.lab.consistency.observations import is_same_object
from tests.lab.consistency.properties import Inconsistent, Property
from tests.lab.consistency.statuses import Verdicts

LAST = "last"
"""The name of the client whose reads are the last."""
LAST_HERE = f"{LAST} {SERIALIZABLE}"
"""The name of the one that asks for less: for what the node has that is asked."""


def check_last_reads(events: Iterable[Event], nodes: Collection[str]) -> int:
    """Check the last reads of a history; return how many objects each node showed.

    Args:
        events: the history.
        nodes: the names of those that must have been read.

    Raises:
        Inconsistent: an object with a committed write was not read on a node, or a node
            shows an object without such a write, or with more writes than were sent.
    """
    facts = gather(list(events))
    committed, possible = _committed(facts), _possible(facts)
    shown: dict[tuple[str, str], set[str]] = {
        (node, client): set() for node in nodes for client in (LAST, LAST_HERE)
    }
    earlier: dict[str, Answered] = {}
    for read in facts.reads.values():
        request = facts.requests[read.op]
        if request.client not in (LAST, LAST_HERE):
            continue
        key = request.key
        shown.setdefault((request.node, request.client), set()).add(key)
        for write in committed.get(key, ()):
            _check_shown(request, read, write)
        if read.count > possible.get(key, 0):
            raise Inconsistent(
                Property.LAST_READ_ONCE,
                f"{request.node} shows {read.count} writes of {key}, where at most "
                f"{possible.get(key, 0)} can have happened",
                [read],
            )
        before = earlier.setdefault(key, read)
        if read.count < before.count or not is_same_object(before, read):
            raise Inconsistent(
                Property.LAST_READ_SAME,
                f"two nodes show {key} otherwise",
                [before, read],
            )
    for (node, client), objects in shown.items():
        unread = committed.keys() - objects
        if unread:
            raise Inconsistent(
                Property.LAST_READ_COMPLETE,
                f"{min(unread)} was not read on {node} in the end by {client!r}",
            )
    return len(earlier)


def _check_shown(request: Sent, read: Answered, write: Answered) -> None:
    """Check that a read shows a committed write, if it shows the write's place."""
    place = write.count - 1 - (read.count - len(read.tail))
    if write.count > read.count or (place >= 0 and read.tail[place] != write.op):
        raise Inconsistent(
            Property.LAST_READ_COMPLETE,
            f"{request.node} does not show write {write.op} of {request.key}, which is "
            "committed",
            [write, read],
        )


def _committed(facts: Facts) -> Mapping[str, list[Answered]]:
    verdicts = Verdicts(facts.statuses)
    found: dict[str, list[Answered]] = {}
    for write in facts.writes.values():
        if verdicts.is_committed(write.txid):
            found.setdefault(facts.key_of(write), []).append(write)
    return found


def _possible(facts: Facts) -> Mapping[str, int]:
    """Count the writes of each object that were not refused."""
    refused = {
        event.op
        for event in facts.events
        if isinstance(event, GivenUp) and event.reason == NOT_EQUAL
    }
    found: dict[str, int] = {}
    for op, request in facts.requests.items():
        if request.is_write and op not in refused:
            found[request.key] = found.get(request.key, 0) + 1
    return found
