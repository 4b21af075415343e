"""The addresses of other nodes from ``nodes.info``, passed to the host in time.

The host connects, and need not know which nodes are trusted. This node reaches a node
as soon as it is trusted in this node's ledger, committed or not, because commit may
need that node's vote. The node is dropped when its retirement is final. A node that was
removed while it waited to be trusted did not leave: it may ask again, and be trusted
then.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import ForgetPeer, SetPeer
from ccfpy.service.tables.nodes import INFO, NodeInfo

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId, Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.store import Store
    from ccfpy.node.channels import Channels
    from ccfpy.node.outbox import Outbox


@dataclass(eq=False)
class AddressBook:
    """The nodes that this one may have to speak to.

    Attributes:
        addresses: ``host:port`` by node, this one's own included.
    """

    own: "NodeId"
    channels: "Channels"
    outbox: "Outbox"

    def __post_init__(self) -> None:
        self.addresses: dict[NodeId, str] = {}
        self._since: dict[NodeId, Seqno] = {}

    def watch(self, store: "Store") -> None:
        """Follow the table from now on."""
        store.on_local(INFO.name, self._learn)
        store.on_global(INFO.name, self._let_go)

    def _learn(self, seqno: "Seqno", writes: "Writes") -> None:
        for node, info in INFO.decode_writes(writes).items():
            if info is None or info.status is NodeStatus.PENDING:
                continue
            address = info.node_to_node_interface.published_address
            if info.retired_committed or self.addresses.get(node) == address:
                continue
            if node not in self.addresses:
                self._since[node] = seqno
            self.addresses[node] = address
            if node != self.own:
                self.outbox.put(SetPeer(node=node, address=address))

    def _let_go(self, seqno: "Seqno", writes: "Writes") -> None:
        for node, info in INFO.decode_writes(writes).items():
            if node == self.own or not self._is_gone(node, info, seqno):
                continue
            self.channels.close(node)
            self._since.pop(node, None)
            if self.addresses.pop(node, None) is not None:
                self.outbox.put(ForgetPeer(node=node))

    def _is_gone(self, node: "NodeId", info: NodeInfo | None, seqno: "Seqno") -> bool:
        """Return whether a record that is now final says that a node has gone."""
        if info is not None:
            return info.retired_committed
        # It may have been entered again, and trusted, since.
        return node in self.addresses and self._since[node] <= seqno
