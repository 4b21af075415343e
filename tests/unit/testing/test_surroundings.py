"""A node that lives alone has nobody beyond its host."""

from ccfpy.app import App
from ccfpy.boundary.effects import CommitLedger
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.people import Person
from ccfpy.testing.surroundings import Alone, Recorded


def test_alone_everything_is_left_to_the_host() -> None:
    node = InProcessNode(
        App("idle"), constitution="", members=[Person.make("amy", can_recover=True)]
    )
    alone = Alone()
    assert not alone.take(node, CommitLedger(seqno=1))
    alone.settle()
    before = node.now_ms
    alone.pass_time(node, 7)
    assert node.now_ms == before + 7


def test_a_host_begins_with_nothing() -> None:
    host = Recorded()
    assert host.entries == []
    assert host.after == host.commit == 0
