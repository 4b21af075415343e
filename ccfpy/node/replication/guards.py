"""The checks of writes to the tables that a node itself acts upon.

A node follows these tables in hooks, which must not fail. An entry comes from a peer.
The peer is trusted to run the same code, but its entries are judged all the same. A
transaction may come from a proposal, and members decide freely. A write that a hook
could not act upon is therefore refused before it is applied: on a backup the entry, on
a primary the transaction, on a joiner the snapshot. For a node's record the change
matters too: a node that left does not return, and only a retirement in the ledger can
be recorded as complete.

All nodes must reach the same verdict; otherwise the nodes that refuse an entry stay
behind. The only exception is a ledger secret for this node alone: without the secret no
later entry decrypts.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.secrets import SECRET_BYTES
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.snapshots import SNAPSHOT_EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccfpy.base.ids import NodeId, Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.store import Store


@dataclass(eq=False)
class Guards:
    """The guards of one node's store.

    Attributes:
        store: the node's.
        node_id: the node.
        unwrap: decrypts what is sent to it, or raises `VerificationFailed`.
    """

    store: "Store"
    node_id: "NodeId"
    unwrap: "Callable[[bytes], bytes]"

    def watch(self) -> None:
        """Check what is written from now on."""
        store = self.store
        store.guard(nodes.INFO.name, self._nodes)
        store.guard(nodes.ENDORSED_CERTIFICATES.name, _endorsements)
        store.guard(service.INFO.name, _service)
        store.guard(recovery.ENCRYPTED_LEDGER_SECRETS.name, self._secrets)
        store.guard(recovery.PAST_SECRETS.name, _past_secrets)
        store.guard(SNAPSHOT_EVIDENCE.name, _snapshot_evidence)

    def _nodes(self, seqno: "Seqno", writes: "Writes") -> None:
        """Check nodes' records, and how they differ from those before."""
        store = self.store
        written = nodes.INFO.decode_writes(writes)
        if store.version == 0:
            # A snapshot, or a service's beginning: nothing was before.
            return
        before = nodes.INFO.of(store.begin(read_only=True))
        for node, info in written.items():
            if info is not None and not may_become(before.get(node), info):
                raise VerificationFailed(
                    f"entry {seqno} makes node {node} {info.status} from "
                    f"{_described(before.get(node))}"
                )
        check_addresses(dict(before.items()), written)

    def _secrets(self, _: "Seqno", writes: "Writes") -> None:
        """Check the ledger secrets that are sent to this node."""
        sent = recovery.ENCRYPTED_LEDGER_SECRETS.decode_writes(writes) or {}
        own = sent.get(self.node_id, ())
        if sum(each.version is None for each in own) > 1:
            raise Malformed("two new ledger secrets for one node")
        for each in own:
            raw = self.unwrap(each.encrypted_secret)
            if len(raw) != SECRET_BYTES:
                raise Malformed(f"a ledger secret of {len(raw)} bytes")


def may_become(before: NodeInfo | None, after: NodeInfo) -> bool:
    """Return whether a node's record may follow the one before.

    Ids are not used again: a node that left stays away. That it left for good is
    recorded only of a node that left.
    """
    if before is None or before.status is not NodeStatus.RETIRED:
        return not after.retired_committed
    return after.status is NodeStatus.RETIRED


def check_addresses(
    before: "Mapping[NodeId, NodeInfo]", written: "Mapping[NodeId, NodeInfo | None]"
) -> None:
    """Check that a node which becomes trusted has an address of its own.

    While it waited it could claim any.

    Raises:
        VerificationFailed: another trusted node has it.
    """
    for node, info in written.items():
        if not _is_trusted(info) or _is_trusted(before.get(node)):
            continue
        address = _address(info)
        for other, known in {**before, **written}.items():
            if other != node and _is_trusted(known) and _address(known) == address:
                raise VerificationFailed(
                    f"A node with the same published node address {address} already "
                    f"exists (node id: {other})."
                )


def _is_trusted(info: NodeInfo | None) -> bool:
    return info is not None and info.status is NodeStatus.TRUSTED


def _address(info: NodeInfo | None) -> str:
    return "" if info is None else info.node_to_node_interface.published_address


def _described(info: NodeInfo | None) -> str:
    return "nothing" if info is None else str(info.status)


def _service(_: "Seqno", writes: "Writes") -> None:
    info = service.INFO.decode_writes(writes)
    if info is not None:
        certificate = Certificate.from_pem(info.cert)
        if not certificate.public_key.der:
            raise Malformed("a service without a key")


def _endorsements(_: "Seqno", writes: "Writes") -> None:
    nodes.ENDORSED_CERTIFICATES.decode_writes(writes)


def _past_secrets(_: "Seqno", writes: "Writes") -> None:
    recovery.PAST_SECRETS.decode_writes(writes)


def _snapshot_evidence(_: "Seqno", writes: "Writes") -> None:
    SNAPSHOT_EVIDENCE.decode_writes(writes)
