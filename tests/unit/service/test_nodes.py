"""Nodes are retired together, trusted until that is final, and let in by platform."""

from collections.abc import Callable

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.nodes import (
    retire_active_nodes,
    trusted_nodes,
)
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo

Write = Callable[[Callable[[Tx], None]], None]
A, B, C = (NodeId(name) for name in "abc")


def node(status: NodeStatus, *, retired_committed: bool = False) -> NodeInfo:
    return NodeInfo(
        node_to_node_interface=NetInterface(bind_address="h:1"),
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=b"{}", endorsements=b""
        ),
        encryption_pub_key="PEM",
        status=status,
        retired_committed=retired_committed,
    )


def test_a_recovered_service_retires_every_node(tx: Tx) -> None:
    infos = nodes.INFO.of(tx)
    for node_id, status in ((A, NodeStatus.TRUSTED), (B, NodeStatus.PENDING)):
        infos.put(node_id, node(status))
    infos.put(C, node(NodeStatus.RETIRED, retired_committed=True))
    retire_active_nodes(tx)
    assert {info.status for _, info in infos.items()} == {NodeStatus.RETIRED}
    kept = infos.get(C)
    assert kept is not None
    assert kept.retired_committed


def test_a_retired_node_is_trusted_until_its_retirement_is_final(
    store: Store, write: Write
) -> None:
    def begin(tx: Tx) -> None:
        infos = nodes.INFO.of(tx)
        infos.put(A, node(NodeStatus.TRUSTED))
        infos.put(B, node(NodeStatus.PENDING))
        infos.put(C, node(NodeStatus.TRUSTED))

    def retire(tx: Tx) -> None:
        nodes.INFO.of(tx).put(C, node(NodeStatus.RETIRED))

    def finish(tx: Tx) -> None:
        retired = node(NodeStatus.RETIRED, retired_committed=True)
        nodes.INFO.of(tx).put(C, retired)

    write(begin)
    store.compact(store.version)
    write(retire)
    assert set(trusted_nodes(store.begin())) == {A, C}
    write(finish)
    assert set(trusted_nodes(store.begin())) == {A, C}
    store.compact(store.version)
    assert set(trusted_nodes(store.begin())) == {A}
