"""What a node answers under ``/node``: its service, its peers, itself.

Paths, fields and texts are those of ``src/node/rpc/node_frontend.h``; every frontend's
common endpoints are added to them.
"""

from typing import TYPE_CHECKING

from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.registry import Registry
from ccfpy.node.api import evidence, health, indexing, join, members, network
from ccfpy.node.api.metrics import MetricsEndpoints
from ccfpy.node.api.snapshots import SnapshotEndpoints

if TYPE_CHECKING:
    from ccfpy.node.running import RunningNode
    from ccfpy.node.sessions.client import SessionCounts

PREFIX = "node"
TITLE = "CCF Public Node API"
DESCRIPTION = "What this node knows of its service, of the other nodes and of itself."
VERSION = "4.14.0"


def node_registry(
    running: "RunningNode",
    sessions: "SessionCounts",
    *,
    js_version: str,
) -> Registry:
    """Return everything that is served under ``/node``."""
    registry = Registry(
        PREFIX, title=TITLE, description=DESCRIPTION, version=VERSION, is_exact=True
    )
    add_common_endpoints(registry)
    for module in (network, members, join, evidence, health, indexing):
        for declared in module.ENDPOINTS:
            registry.add(declared(running))
    for group in (
        SnapshotEndpoints(running, running.parts.snapshots),
        MetricsEndpoints(sessions, memory=running.parts.memory, js_version=js_version),
    ):
        for endpoint in group.endpoints():
            registry.add(endpoint)
    return registry
