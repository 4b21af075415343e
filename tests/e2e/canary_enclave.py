"""The enclave's process as it ships, and a test's copy of the keys it makes.

``canary_enclave.py --app APP --channel DESCRIPTOR --escrow FILE``. Without the copy
nobody outside could say what must never appear there.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.isolation import isolate
from ccfpy.enclave.loop import serve
from ccfpy.node.node import Node


class Escrowed:
    """A node whose private keys are written down when they change."""

    def __init__(self, node: Node, escrow: Path) -> None:
        self._node = node
        self._escrow = escrow
        self._written = 0

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Step the node."""
        effects = self._node.step(events)
        replica = self._node._replica
        if replica is not None and len(replica.sequence.secrets) != self._written:
            secrets = replica.sequence.secrets
            self._written = len(secrets)
            keys = {
                "node key": replica.identity.key.pem,
                "node encryption key": replica.identity.encryption_key.pem,
                "service key": replica.service_identity.key.pem,
                "ledger secrets": [secret.raw.hex() for _, secret in secrets],
            }
            self._escrow.write_text(json.dumps(keys))
        return effects


def main(app: str, channel: int, escrow: Path) -> int:
    """Do what ``ccfpy.enclave`` does, with a node in escrow."""
    isolate(parent=os.getppid())
    with socket.socket(fileno=channel) as connection:
        return serve(connection, lambda: Escrowed(_node(app), escrow))


def _node(app: str) -> Node:
    node = build_node(app)
    assert isinstance(node, Node)
    return node


if __name__ == "__main__":
    _, app_word, channel_word, escrow_word = sys.argv
    sys.exit(main(app_word, int(channel_word), Path(escrow_word)))
