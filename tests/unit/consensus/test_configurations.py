"""Active configurations: appended, committed, rolled back."""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.configurations import Configuration, Configurations
from tests.unit.consensus.nodes import ids


def _at(seqno: int, *names: str) -> Configuration:
    return Configuration(seqno=seqno, nodes=ids(*names))


def test_before_the_first_there_is_nobody() -> None:
    configurations = Configurations()
    assert configurations.latest == frozenset()
    assert configurations.nodes == frozenset()
    assert not configurations.commit(9)
    assert len(configurations) == 0


def test_one_is_active_until_the_next_is_committed() -> None:
    configurations = Configurations([_at(1, "a")])
    assert configurations.add(_at(4, "a", "b"))
    assert configurations.add(_at(6, "c"))
    assert configurations.nodes == ids("a", "b", "c")
    assert configurations.latest == ids("c")
    assert not configurations.commit(3)
    assert configurations.commit(5)
    assert [c.seqno for c in configurations] == [4, 6]
    assert configurations.commit(6)
    assert configurations.node_sets == [ids("c")]


def test_the_same_nodes_again_are_no_change() -> None:
    configurations = Configurations([_at(1, "a")])
    assert not configurations.add(_at(2, "a"))
    assert len(configurations) == 1


def test_a_rollback_drops_the_newest() -> None:
    configurations = Configurations([_at(1, "a"), _at(4, "b"), _at(6, "c")])
    configurations.rollback(4)
    assert configurations.latest == ids("b")
    configurations.rollback(0)
    assert configurations.latest == frozenset()


def test_the_newest_configuration_of_a_node_is_found() -> None:
    configurations = Configurations([_at(1, "a", "b"), _at(4, "b")])
    assert configurations.seqno_with(NodeId("a")) == 1
    assert configurations.seqno_with(NodeId("b")) == 4
    assert configurations.seqno_with(NodeId("c")) == 0
