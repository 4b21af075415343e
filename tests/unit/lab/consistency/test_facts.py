"""A history taken apart."""

from tests.lab.consistency.facts import gather
from tests.unit.lab.consistency.generated import generate


def test_every_answer_is_filed_with_its_request() -> None:
    facts = gather(generate(1).events)
    assert facts.writes
    assert facts.reads
    for op, answer in (facts.writes | facts.reads).items():
        request = facts.requests[op]
        assert answer.op == op
        assert facts.key_of(answer) == request.key
        assert request.is_write == (op in facts.writes)
    assert len(facts.statuses) > 10
