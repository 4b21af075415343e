"""A node that joins: its configuration, and what it is asked and says."""

from dataclasses import replace

from ccfpy.base.json import Json
from ccfpy.boundary.configuration import (
    CommandType,
    JoinConfiguration,
    NodeConfiguration,
)
from ccfpy.boundary.effects import (
    Effect,
    ReadSnapshot,
)
from ccfpy.boundary.events import (
    Boot,
    SnapshotRead,
)
from ccfpy.node.node import Node
from ccfpy.testing.node import InProcessNode

RETRY_MS = 1000


def joining(node: InProcessNode) -> NodeConfiguration:
    """Return the configuration of a node that joins the service of ``node``."""
    return replace(
        node.boot.configuration,
        command=CommandType.JOIN,
        start=None,
        join=JoinConfiguration(
            target_rpc_address="127.0.0.1:8000",
            service_certificate=node.service_certificate.encode(),
            fetch_recent_snapshot=False,
        ),
    )


def without_snapshot(joiner: Node, boot: Boot) -> list[Effect]:
    """Boot a joiner on a host that has no snapshot; return all its requests."""
    asked = joiner.step([boot])
    (look,) = (effect for effect in asked if isinstance(effect, ReadSnapshot))
    nothing = SnapshotRead(request=look.request, name=None, size=0, start=0, data=b"")
    return [*asked, *joiner.step([nothing])]


def state(node: InProcessNode) -> Json:
    """Ask a node by its own interface how far it has come."""
    running = node.trusted.running
    assert running is not None
    return str(running.state)


def said(node: InProcessNode, words: str) -> int:
    return sum(words in log.message for log in node.host.logs)
