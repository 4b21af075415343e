"""What members decide between swaps is what nodes of both programs must act upon."""

from tests.lab.moving.run import decisions


def test_each_decision_is_another_action() -> None:
    names = [action()["name"] for action in decisions()]
    assert len(names) == len(set(names))
    assert "trigger_ledger_rekey" in names
