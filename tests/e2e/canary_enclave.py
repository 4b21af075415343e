"""The enclave's process as it ships, with a test's copy of the keys that it makes.

``canary_enclave.py APP READ WRITE ESCROW``. Without the copy, no process outside could
know the bytes that must never appear there. The enclave itself can write no file.
Therefore it starts another process before it is closed, and passes the keys to it
through a pipe.
"""

import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.isolation import confine, isolate
from ccfpy.enclave.loop import NODE, Conversation, run
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.scripts import attend_scripts
from ccfpy.enclave.threads import NodeThreads
from ccfpy.node.node import Node


class Escrowed:
    """A node that passes on its private keys when they change."""

    def __init__(self, node: Node, keeper: int) -> None:
        self._node = node
        self._keeper = keeper
        self._told = 0

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Step the node."""
        return self._tell(self._node.step(events))

    def leave(self, call: object) -> None:
        """Go on without a call."""
        self._node.leave(call)

    def give_up(self, call: object, reason: str) -> list[Effect]:
        """Answer the caller of a call that does not come back."""
        return self._tell(self._node.give_up(call, reason))

    def came_back_late(self, call: object) -> None:
        """Note that a call is over whose caller was answered without it."""
        self._node.came_back_late(call)

    def _tell(self, effects: list[Effect]) -> list[Effect]:
        running = self._node.running
        if running is not None and len(running.tail.secrets) != self._told:
            secrets = running.tail.secrets
            self._told = len(secrets)
            keys = {
                "node key": running.identity.key.pem,
                "node encryption key": running.identity.encryption_key.pem,
                "service key": running.service_identity.key.pem,
                "ledger secrets": [secret.raw.hex() for _, secret in secrets],
            }
            os.write(self._keeper, json.dumps(keys).encode() + b"\n")
        return effects


def start_keeper(escrow: Path, channel: Sequence[int]) -> int:
    """Start a process that writes keys to a file; return the pipe to this process."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return writing
    os.close(writing)
    for end in channel:
        os.close(end)
    with os.fdopen(reading) as lines:
        for line in lines:
            escrow.write_text(line)
    os._exit(0)


def main(app: str, channel: Sequence[int], escrow: Path) -> int:
    """Do the same as ``ccfpy.enclave``, with a node in escrow."""
    keeper = start_keeper(escrow, channel)
    isolate(parent=os.getppid())
    with HostChannel(*channel) as connection:
        known = (*connection.descriptors, keeper)
        memory = SystemMemory()
        threads = NodeThreads(memory)

        def begin() -> Callable[[Conversation[Event, Effect]], ExitCode]:
            node = build_node(app, memory=memory, threads=threads)
            escrowed = Escrowed(_closed(node, known), keeper)
            return partial(threads.drive, escrowed, started=lambda: None)

        return run(NODE, connection, begin)


def _closed(node: Node, known: Collection[int]) -> Node:
    confine(known=known)
    attend_scripts()
    return node


if __name__ == "__main__":
    _, app_word, *channel_words, escrow_word = sys.argv
    sys.exit(main(app_word, [int(word) for word in channel_words], Path(escrow_word)))
