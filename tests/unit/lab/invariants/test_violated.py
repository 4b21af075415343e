"""A violation names what was violated."""

from tests.lab.invariants import Violated


def test_a_violation_names_its_invariant() -> None:
    violated = Violated("LogInv", "two histories")
    assert violated.invariant == "LogInv"
    assert str(violated) == "LogInv: two histories"
