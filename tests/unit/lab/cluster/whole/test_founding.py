"""The founders are the same in every run."""

from tests.lab.cluster.whole.founding import constitution, member


def test_the_member_can_hold_shares() -> None:
    assert member() is member()
    assert member().encryption_key is not None
    assert member().founding().encryption_public_key is not None


def test_the_constitution_accepts_at_once() -> None:
    assert 'return "Accepted"' in constitution()
    assert "transition_node_to_trusted" in constitution()
