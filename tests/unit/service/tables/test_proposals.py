"""A failure reads as CCF's."""

from ccfpy.service.tables.proposals import Failure


def test_a_failure_tells_its_trace_if_it_has_one() -> None:
    assert str(Failure(reason="Error: no")) == "Error: no\nTrace: N/A"
    assert str(Failure(reason="no", trace="at f")) == "no\nTrace: at f"
