"""A history parsed once, so that each property can be checked in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.lab.consistency.history import Answered, Event, Op, Sent, StatusSeen
from tests.lab.consistency.properties import Inconsistent, Property


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Requests and answers by number, and statuses.

    Attributes:
        events: the history.
        requests: what was sent.
        writes: the answers to writes, as they came.
        reads: the answers to reads, as they came.
        statuses: as they were seen.
    """

    events: Sequence[Event]
    requests: dict[Op, Sent] = field(default_factory=dict)
    writes: dict[Op, Answered] = field(default_factory=dict)
    reads: dict[Op, Answered] = field(default_factory=dict)
    statuses: list[StatusSeen] = field(default_factory=list)

    def key_of(self, answer: Answered) -> str:
        """Return the object that the answer is about."""
        return self.requests[answer.op].key


def gather(events: Sequence[Event]) -> Facts:
    """Parse a history.

    Raises:
        Inconsistent: an answer has no request, or a number serves twice.
    """
    facts = Facts(events=events)
    requests = facts.requests
    for event in events:
        if isinstance(event, Sent):
            if event.op in requests:
                raise Inconsistent(
                    Property.UNIQUE_TX_REQUESTS,
                    f"request {event.op} was sent twice",
                    [requests[event.op], event],
                )
            requests[event.op] = event
        elif isinstance(event, StatusSeen):
            facts.statuses.append(event)
        elif isinstance(event, Answered):
            _take_answer(facts, event)
    return facts


def _take_answer(facts: Facts, answer: Answered) -> None:
    request = facts.requests.get(answer.op)
    if request is None:
        raise Inconsistent(
            Property.ALL_RECEIVED_IS_FIRST_SENT,
            f"an answer to request {answer.op}, which was not sent before it",
            [answer],
        )
    answers = facts.writes if request.is_write else facts.reads
    if answer.op in answers:
        raise Inconsistent(
            Property.UNIQUE_TX_REQUESTS,
            f"request {answer.op} was answered twice",
            [answers[answer.op], answer],
        )
    answers[answer.op] = answer
