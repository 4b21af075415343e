"""What a node answers under ``/node``: its service, its peers, itself.

Paths, fields and texts are those of ``src/node/rpc/node_frontend.h``; every frontend's
common endpoints are added to them.
"""

from typing import TYPE_CHECKING

from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.registry import Registry
from ccfpy.node.api.network import JOIN, MEMBERS, NETWORK
from ccfpy.node.api.node import EVIDENCE, HEALTH, INDEXING, METRICS, page_endpoints
from ccfpy.node.api.snapshots import SNAPSHOTS

if TYPE_CHECKING:
    from ccfpy.node.running import RunningNode

PREFIX = "node"
TITLE = "CCF Public Node API"
DESCRIPTION = "What this node knows of its service, of the other nodes and of itself."
VERSION = "4.14.0"


_GROUPS = (NETWORK, MEMBERS, JOIN, EVIDENCE, HEALTH, INDEXING, SNAPSHOTS, METRICS)


def node_registry(running: "RunningNode") -> Registry:
    """Return everything that is served under ``/node``."""
    registry = Registry(
        PREFIX, title=TITLE, description=DESCRIPTION, version=VERSION, is_exact=True
    )
    add_common_endpoints(registry, watches=running.commit_watches)
    for group in _GROUPS:
        for declared in group:
            registry.add(declared(running))
    if running.configuration.serves_api_page:
        for endpoint in page_endpoints(running):
            registry.add(endpoint)
    return registry
