"""Checks of writes to the tables that a node acts upon, and the node's reactions.

A node reacts in hooks, which must not fail. `Guards` therefore refuse a write that a
hook could not act upon before it is applied: an entry on a backup, a transaction on a
primary, a snapshot on a joiner. A peer is trusted to run the same code, but its entries
are checked all the same; a proposal may write anything. For a node's record the change
is checked too: a retired node does not return, and only a retirement in the ledger can
be recorded as complete.

All nodes must reach the same verdict, or the nodes that refuse an entry stay behind.
The only exception is a ledger secret for this node alone: without the secret no later
entry decrypts.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.secrets import SECRET_BYTES
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.service import SNAPSHOT_EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccfpy.base.ids import NodeId, Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.store import Store
    from ccfpy.node.running import RunningNode


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


class TableHooks:
    """The hooks of one node on its store."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def watch(self) -> None:
        """React to the tables from now on; called once."""
        running = self._running
        store = running.tail.store
        Guards(store, running.node_id, running.identity.encryption_key.unwrap).watch()
        running.address_book.watch(store)
        running.snapshots.watch(store)
        running.jwt_refresh.watch(store, running.wake_flag)
        running.app_code.watch(store)
        replication = running.replication
        replication.before_compaction(running.snapshots.on_commit)
        replication.on_rollback(running.snapshots.on_rollback)
        replication.on_commit(self._on_commit)
        store.on_global(service.INFO.name, self._on_service)
        store.on_global(nodes.ENDORSED_CERTIFICATES.name, self._on_endorsement)
        store.on_local(recovery.ENCRYPTED_LEDGER_SECRETS.name, self._on_rekey)

    def _on_commit(self, seqno: "Seqno") -> None:
        running = self._running
        running.wake_flag.set()
        tx_id = running.replication.raft.log.tx_id(seqno)
        running.commit_waits.committed(tx_id)
        running.commit_watches.committed(tx_id)

    def _on_service(self, _: "Seqno", writes: "Writes") -> None:
        info = service.INFO.decode_writes(writes)
        if info is None:
            return
        running = self._running
        certificate = Certificate.from_pem(info.cert)
        if certificate.public_key != running.service_identity.key.public_key:
            # A service that this one recovered.
            return
        running.renew_service_certificate(certificate)
        if info.status is ServiceStatus.OPEN:
            running.open_service()

    def _on_endorsement(self, _: "Seqno", writes: "Writes") -> None:
        running = self._running
        pem = nodes.ENDORSED_CERTIFICATES.decode_writes(writes).get(running.node_id)
        if pem is None:
            return
        try:
            certificate = Certificate.from_pem(pem)
            running.channels.identify(
                service_certificate=running.service_identity.certificate,
                node_certificate=certificate,
            )
        except (Malformed, VerificationFailed) as error:
            # Only this node can tell, so it takes the entry and keeps what it has.
            running.outbox.fail(f"Kept the endorsed certificate: {error}")
            return
        running.renew_endorsement(certificate)
        running.admit_members()
        if certificate.validity_s != running.identity.self_signed.validity_s:
            self._renew_self_signed(certificate)

    def _renew_self_signed(self, endorsed: Certificate) -> None:
        """Renew this node's own certificate, if any can hold as long as the service's.

        The service's is by members, or by a primary that says what it likes.
        """
        running = self._running
        try:
            running.identity.renew_self_signed(endorsed, running.entropy)
        except CcfpyError as error:
            running.outbox.fail(f"Kept the self-signed certificate: {error}")
        else:
            running.certificates.self_signed()

    def _on_rekey(self, seqno: "Seqno", writes: "Writes") -> None:
        """Use the ledger secret that this transaction sent every trusted node.

        What a recovery sends are secrets of the past, which have their versions.
        """
        running = self._running
        tail = running.tail
        sent = recovery.ENCRYPTED_LEDGER_SECRETS.decode_writes(writes)
        for secret in (sent or {}).get(running.node_id, ()):
            if secret.version is None:
                tail.rekey(
                    running.identity.encryption_key.unwrap(secret.encrypted_secret),
                    at=seqno,
                )
                running.sealing.keep(seqno + 1, tail.secrets.at(seqno + 1))
