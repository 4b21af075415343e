"""The peers that the host must reach, as nodes come and go."""

from dataclasses import replace

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import Effect, ForgetPeer, SetPeer
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.kv.store import Store
from ccfpy.node.channels import Channels
from ccfpy.node.channels.channels import AddressBook
from ccfpy.node.outbox import Outbox
from ccfpy.service.tables.nodes import INFO, NetInterface, NodeInfo
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.node.replication.test_membership import NODE

ENTROPY = SeededEntropy(3)


class Table:
    """A node table, and the book that follows it."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.channels = channels = Channels(
            key=KeyPair.generate(ENTROPY, Curve.SECP256R1),
            entropy=ENTROPY,
            send=lambda *_: None,
            log=self.outbox,
            now_ms=0,
        )
        self.own = channels.node_id
        self.book = AddressBook(self.own, channels, self.outbox)
        self.store = Store()
        self.book.watch(self.store)

    def put(self, node: NodeId, info: NodeInfo | None) -> list[Effect]:
        """Write a record; return the effects for the host at once."""
        tx = self.store.begin()
        if info is None:
            INFO.of(tx).remove(node)
        else:
            INFO.of(tx).put(node, info)
        self.store.commit(tx)
        return self.outbox.take()

    def commit(self) -> list[Effect]:
        self.store.compact(self.store.version)
        return self.outbox.take()


def node_at(
    address: str, status: NodeStatus = NodeStatus.TRUSTED, *, is_final: bool = False
) -> NodeInfo:
    interface = NetInterface(bind_address=address, published_address=address)
    return replace(
        NODE,
        node_to_node_interface=interface,
        status=status,
        retired_committed=is_final,
    )


OTHER = NodeId("ab" * 32)


def test_a_node_is_reached_as_soon_as_it_is_trusted_and_once() -> None:
    table = Table()
    assert table.put(OTHER, node_at("a:1", NodeStatus.PENDING)) == []
    assert table.put(OTHER, node_at("a:1")) == [SetPeer(node=OTHER, address="a:1")]
    assert table.put(OTHER, node_at("a:1")) == []
    assert table.put(OTHER, node_at("b:2")) == [SetPeer(node=OTHER, address="b:2")]
    assert table.book.addresses == {OTHER: "b:2"}


def test_this_node_is_in_the_book_and_not_among_its_peers() -> None:
    table = Table()
    assert table.put(table.own, node_at("a:1")) == []
    assert table.book.addresses == {table.own: "a:1"}
    table.put(table.own, node_at("a:1", NodeStatus.RETIRED, is_final=True))
    assert table.commit() == []


def test_a_retired_node_is_reached_until_its_retirement_is_final() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1"))
    assert table.put(OTHER, node_at("a:1", NodeStatus.RETIRED)) == []
    assert table.commit() == []
    gone = node_at("a:1", NodeStatus.RETIRED, is_final=True)
    assert table.put(OTHER, gone) == []
    assert table.commit() == [ForgetPeer(node=OTHER)]
    assert table.book.addresses == {}


def test_a_removed_record_ends_it_too_and_only_once() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1"))
    table.put(OTHER, None)
    assert table.commit() == [ForgetPeer(node=OTHER)]
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    assert table.commit() == []


def test_a_node_that_was_removed_while_it_waited_may_be_trusted_later() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    assert table.commit() == []
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    assert table.put(OTHER, node_at("a:1")) == [SetPeer(node=OTHER, address="a:1")]
    assert table.commit() == []
    assert OTHER not in table.channels._closed


def test_a_removal_that_is_final_late_does_not_end_what_came_after_it() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    table.put(OTHER, node_at("a:1"))
    table.commit()
    assert table.book.addresses == {OTHER: "a:1"}
    assert OTHER not in table.channels._closed
