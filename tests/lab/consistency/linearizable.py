"""What etcd promises its clients beyond what a ledger does.

Etcd answers once a call is final, and its reads are linearizable unless their callers
ask for less. So each call that was answered happened between its request and its
answer, in the order of transaction ids; and a write whose comparison failed did not
happen.
"""

from collections.abc import Iterable

from tests.lab.consistency.facts import Facts, gather
from tests.lab.consistency.history import Answered, Event, GivenUp, Op, Sent
from tests.lab.consistency.properties import Inconsistent, Property

SERIALIZABLE = "serializable"
"""The name of clients who ask for less ends so."""
NOT_EQUAL = "the comparison failed"
"""The reason of an answer that says that nothing was written."""


def check_linearizable(events: Iterable[Event]) -> int:
    """Check a history of etcd's calls; return how many answers had to be in order.

    Raises:
        Inconsistent: a call happened before one that was answered before it was sent,
            or somebody has seen a write that was refused.
    """
    facts = gather(list(events))
    _check_not_written(facts)
    return _check_real_time(facts)


def _check_real_time(facts: Facts) -> int:
    latest: Answered | None = None
    known: dict[Op, Answered | None] = {}
    checked = 0
    for event in facts.events:
        if isinstance(event, Sent):
            known[event.op] = latest
        elif isinstance(event, Answered):
            request = facts.requests[event.op]
            if request.client.endswith(SERIALIZABLE):
                continue
            checked += 1
            before = known[event.op]
            if before is not None and event.txid <= before.txid:
                raise Inconsistent(
                    Property.LINEARIZABLE,
                    f"request {event.op} was sent after {before.op} was answered, and "
                    "happened before it",
                    [before, request, event],
                )
            if latest is None or event.txid > latest.txid:
                latest = event
    return checked


def _check_not_written(facts: Facts) -> None:
    refused = {
        event.op: event
        for event in facts.events
        if isinstance(event, GivenUp) and event.reason == NOT_EQUAL
    }
    for answers in (facts.writes, facts.reads):
        for answer in answers.values():
            for op in answer.tail:
                if op in refused:
                    raise Inconsistent(
                        Property.REFUSED_NOT_OBSERVED,
                        f"write {op} was refused, and request {answer.op} has seen it",
                        [refused[op], answer],
                    )
