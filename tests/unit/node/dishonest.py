"""A primary that the others trust, and that says and writes whatever it likes."""

from ccfpy.base.ids import TxId
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus.messages import AppendEntries, Message
from ccfpy.consensus.ready import EntryFacts
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import serialise_maps
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.sealing import Unsealed, seal_all
from ccfpy.testing.node import InProcessNode
from tests.unit.node.replication.test_replication import replica_of


def unhook(node: InProcessNode) -> None:
    """Make a node act upon nothing that it writes itself."""
    store = replica_of(node).tail.store
    store._guards.clear()
    store._local_hooks.clear()
    store._global_hooks.clear()


def write(node: InProcessNode, writes: WriteSet) -> TxId:
    """Order a transaction of any content, and a signature after it."""
    running = replica_of(node)
    tx = running.begin(read_only=False)
    for name, changes in writes.items():
        handle = tx.raw(name)
        for key, value in changes.items():
            if value is None:
                handle.remove(key)
            else:
                handle.put(key, value)
    appended = running.tail.append(tx, running.view)
    assert appended is not None
    running.replication._perform(running.replication.raft.append(EntryFacts(size=1)))
    written = TxId(running.view, running.tail.last_seqno)
    running.sign()
    node.step()
    return written


def say(
    node: InProcessNode, to: InProcessNode, message: Message, entries: bytes = b""
) -> None:
    """Send a message of consensus over the channel, with entries of any content.

    While keys are sought, one with entries is lost.
    """
    data = message.encode()
    if isinstance(message, AppendEntries) and message.has_entries:
        payload = replica_of(node).channels.seal_header(to.node_id, data)
        node.step()
        if payload is not None:
            to.step(
                PeerMessage(
                    kind=PeerTraffic.CONSENSUS,
                    sender=node.node_id,
                    payload=payload + entries,
                )
            )
    else:
        replica_of(node).channels.send_authenticated(to.node_id, data)
        node.step()


def entry_of(node: InProcessNode, tx_id: TxId, writes: WriteSet) -> bytes:
    """Seal an entry of any place and content with the service's ledger secret."""
    secret = replica_of(node).tail.secrets.at(tx_id.seqno)
    unsealed = Unsealed(tx_id.view, tx_id.seqno, serialise_maps(writes), NO_CLAIMS, 0)
    return seal_all(secret, [unsealed])[0][0]
