"""How simulated nodes are configured and made."""

from dataclasses import replace

from ccfpy.boundary.configuration import (
    CommandType,
    ConsensusConfiguration,
    CurveId,
    InterfaceAuthority,
    JoinConfiguration,
    LedgerSignaturesConfiguration,
    NodeCertificateConfiguration,
    NodeConfiguration,
    NodeToNodeInterface,
)
from ccfpy.js.quickjs import ContextPool
from ccfpy.node.node import Node
from ccfpy.testing.configuration import HOST, Person, boot_of, listener, starting
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import NoMemory, StoppedClock
from tests.lab.cluster.whole.app import app
from tests.lab.cluster.whole.clients import PLAIN_INTERFACE
from tests.lab.cluster.whole.founding import constitution
from tests.lab.cluster.whole.host import Files, SimulatedNode
from tests.lab.cluster.whole.streams import TLS_INTERFACE
from tests.lab.slow_calls import SlowCalls

MESSAGE_TIMEOUT_MS = 50
ELECTION_TIMEOUT_MS = 500
JOIN_RETRY_MS = 200
SIGNATURE_MS = 60
SNAPSHOT_TX_COUNT = 40
CHUNK_BYTES = 40_000
CHANNEL_MESSAGES_MAX = 200
FIRST_PORT, PORTS_PER_NODE = 8000, 10


def founder(member: Person) -> NodeConfiguration:
    """Describe the node that begins the service."""
    return starting(
        constitution=constitution(), members=[member.founding()], interfaces=()
    )


def joiner(
    target: SimulatedNode, *, service_certificate: bytes, is_fresh: bool
) -> NodeConfiguration:
    """Describe a node that asks another node to join.

    Args:
        target: the node that it asks.
        service_certificate: of the service it trusts.
        is_fresh: whether it asks for a snapshot first.
    """
    address = next(
        interface.published_address
        for interface in target.boot.configuration.rpc_interfaces
        if interface.name == TLS_INTERFACE
    )
    return NodeConfiguration(
        command=CommandType.JOIN,
        node_to_node=target.boot.configuration.node_to_node,
        rpc_interfaces=(),
        join=JoinConfiguration(
            target_rpc_address=address,
            service_certificate=service_certificate,
            retry_timeout_ms=JOIN_RETRY_MS,
            fetch_recent_snapshot=is_fresh,
            fetch_snapshot_retry_interval_ms=JOIN_RETRY_MS,
        ),
    )


# Every schedule has the same constitution. As their clocks stand still, nodes cannot
# notice whether another has compiled it.
_CONTEXTS = ContextPool()


def node_of(
    configuration: NodeConfiguration,
    files: Files,
    *,
    index: int,
    seed: int,
    now_ms: int,
) -> SimulatedNode:
    """Make a node, which is not booted yet."""
    files.snapshots.prepare()
    if configuration.command is CommandType.START:
        files.ledger.create()
    else:
        files.ledger.prepare()
    slow = SlowCalls()
    return SimulatedNode(
        name=str(index),
        slow=slow,
        trusted=Node(
            app=app,
            entropy=SeededEntropy(b"node %d of %d" % (index, seed)),
            clock=StoppedClock(),
            memory=NoMemory(),
            contexts=_CONTEXTS,
            threads=slow,
        ),
        boot=boot_of(_configured(configuration, index), now_ms=now_ms),
        files=files,
        clock_us=1000 * now_ms,
    )


def _configured(configuration: NodeConfiguration, index: int) -> NodeConfiguration:
    """Set a node's addresses, and the pace of a simulation."""
    port = FIRST_PORT + PORTS_PER_NODE * index
    to_nodes = f"{HOST}:{port + 2}"
    return replace(
        configuration,
        rpc_interfaces=(
            listener(
                PLAIN_INTERFACE,
                port=port,
                authority=InterfaceAuthority.UNSECURED,
                accepted_endpoints=(".*",),
            ),
            listener(TLS_INTERFACE, port=port + 1),
        ),
        node_to_node=NodeToNodeInterface(
            bind_address=to_nodes, published_address=to_nodes
        ),
        node_certificate=NodeCertificateConfiguration(curve_id=CurveId.SECP256R1),
        consensus=ConsensusConfiguration(
            message_timeout_ms=MESSAGE_TIMEOUT_MS,
            election_timeout_ms=ELECTION_TIMEOUT_MS,
        ),
        ledger_signatures=LedgerSignaturesConfiguration(delay_ms=SIGNATURE_MS),
        ledger_chunk_bytes=CHUNK_BYTES,
        snapshot_tx_count=SNAPSHOT_TX_COUNT,
        node_to_node_message_limit=CHANNEL_MESSAGES_MAX,
    )
