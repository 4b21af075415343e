"""Refusals of evidence say in one sentence what was expected and what was found."""

import pytest

from ccfpy.client.evidence_refused import EvidenceFault, refused

FAULT = EvidenceFault.UNKNOWN_HOST_DATA


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ([], "the policy names none, found c"),
        (["a"], "expected a, found c"),
        (["b", "a", "b"], "expected one of a, b, found c"),
    ],
)
def test_a_refusal_says_what_differs(expected: list[str], told: str) -> None:
    refusal = refused(FAULT, expected=expected, found="c")
    assert refusal.fault is FAULT
    assert str(refusal) == f"the host data is none that is expected: {told}"
