"""Which node a redirect names, of those that have the role it looks for.

Backups take turns, so that one of them does not get every read; CCF rolls dice for it
(``src/node/rpc/frontend.h``). A node without the interface that is to be named is
passed over. ``endpoints/frontend.py`` decides whether a request is redirected, and
writes the 307.
"""

from ccfpy.base.ids import NodeId
from ccfpy.kv.tx import Tx
from ccfpy.service.nodes import trusted_nodes


class RedirectResolver:
    """Finds targets for redirects, one after another."""

    def __init__(self) -> None:
        self._turn = 0

    def address_of(
        self, tx: Tx, *, role: str, interface: str, primary: NodeId | None
    ) -> str | None:
        """Return the published address of a trusted node in a role, if there is one.

        Args:
            tx: reads the nodes.
            role: ``primary``, or any other for a backup.
            interface: the name of the target's interface.
            primary: who leads, if that is known.
        """
        addresses = [
            info.rpc_interfaces[interface].published_address
            for node_id, info in trusted_nodes(tx).items()
            if (node_id == primary) is (role == "primary")
            and interface in info.rpc_interfaces
        ]
        if not addresses:
            return None
        self._turn += 1
        return addresses[self._turn % len(addresses)]
