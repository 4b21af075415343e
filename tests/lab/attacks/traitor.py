"""A node that its service trusts, and whose enclave says and writes what it likes.

``python -m tests.lab.attacks.traitor OPTION…`` takes the options of ``ccfpy node``.
It is an honest primary until its service is open. Then it writes records about other
nodes that no honest node would write, and sends messages of consensus with values that
no honest node has. It passes for the program of the other nodes: evidence of a virtual
machine proves nothing, and a real machine's proves what was started, not what that did
later.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import ccfpy
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event, Tick
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    ProposeRequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.ready import EntryFacts
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.isolation import confine, isolate
from ccfpy.enclave.loop import serve
from ccfpy.enclave.scripts import attend_scripts
from ccfpy.host.enclave_link import ProcessLink
from ccfpy.host.main import run
from ccfpy.node.node import Node
from ccfpy.node.running import RunningNode
from ccfpy.service.tables import nodes, service

DONE = "the traitor has done what it could"
"""What the traitor logs at the end."""
HONEST_PROGRAM = Path(ccfpy.__file__).parent / "cli/main.py"
"""The program that the traitor claims to be."""
PAUSE_MS = 700
"""Between two deeds: the other nodes must hear of each."""
SEQNO_MAX = 2**64 - 1
VIEW_MAX = 2**31 - 1


def hostile_messages(view: int, last: TxId) -> Iterator[Message]:
    """Return messages with values that no honest node has.

    Args:
        view: in which the traitor leads.
        last: where its log ends.
    """
    for position in (TxId(view, SEQNO_MAX), TxId(view + 1, 0), TxId(VIEW_MAX, 1)):
        for is_success in (True, False):
            yield AppendEntriesResponse(position=position, is_success=is_success)
    yield RequestVoteResponse(view=view, is_granted=True, election=ElectionType.REGULAR)
    beyond = TxId(view, last.seqno + 1_000)
    for previous, end, commit in (
        (last, last, SEQNO_MAX),
        (beyond, beyond, beyond.seqno),
        (TxId(0, 0), TxId(0, 0), 0),
        (TxId(VIEW_MAX, 1), TxId(VIEW_MAX, 1), 1),
    ):
        yield AppendEntries(
            view=view, previous=previous, last=end, leader_commit=commit
        )
    yield ProposeRequestVote(view=0)


class Traitor:
    """A node that acts when its service is open.

    Args:
        node: an honest node, whose state the traitor uses.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._now_ms = 0
        self._due_ms = 0
        self._deeds: Iterator[None] | None = None

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Step the node, and do the next deed when it is due."""
        self._now_ms = max(
            (event.monotonic_ms for event in events if isinstance(event, Tick)),
            default=self._now_ms,
        )
        effects = self._node.step(events)
        running = self._node.running  # no honest caller needs it
        if running is None or self._now_ms < self._due_ms:
            return effects
        self._due_ms = self._now_ms + PAUSE_MS
        if self._deeds is None and is_open(running):
            self._deeds = deeds(running)
        if self._deeds is not None:
            next(self._deeds, None)
            effects += self._node.step(())
        return effects


def is_open(running: RunningNode) -> bool:
    """Return whether a node's service is open to users."""
    info = service.INFO.of(running.begin(read_only=True)).get()
    return info is not None and info.status is ServiceStatus.OPEN


def deeds(running: RunningNode) -> Iterator[None]:
    """Do the traitor's deeds, and yield after each."""
    others = [node for node in _trusted(running) if node != running.identity.node_id]
    yield
    for other in others:
        view, last = running.view, running.replication.raft.log.last_committable
        for message in hostile_messages(view, last):
            running.channels.send_authenticated(other, message.encode())
        yield
    for other in others:
        for status in (NodeStatus.RETIRED, NodeStatus.TRUSTED, NodeStatus.RETIRED):
            write_record(running, other, status)
            yield
    running.outbox.info(DONE)
    yield


def _trusted(running: RunningNode) -> list[NodeId]:
    records = nodes.INFO.of(running.begin(read_only=True)).items()
    return [node for node, info in records if info.status is NodeStatus.TRUSTED]


def write_record(running: RunningNode, node: NodeId, status: NodeStatus) -> None:
    """Order a node's record with that status, and sign it.

    A retired node is recorded as final at once, which skips every step of a retirement.
    The traitor itself acts on none of it.
    """
    store = running.tail.store
    store._local_hooks.clear()  # noqa: SLF001  # an honest node has no use for this
    store._global_hooks.clear()  # noqa: SLF001  # likewise
    getattr(store, "_guards", {}).clear()
    tx = running.begin(read_only=False)
    records = nodes.INFO.of(tx)
    record = records.get(node)
    assert record is not None, "it is among the records"
    is_final = status is NodeStatus.RETIRED
    records.put(node, replace(record, status=status, retired_committed=is_final))
    assert running.tail.append(tx, running.view) is not None, "it writes"
    replication = running.replication
    ready = replication.raft.append(EntryFacts(size=1))
    replication._perform(ready)  # noqa: SLF001  # no honest caller needs it
    running.sign()


def _serve(app: str, channel: Sequence[int]) -> int:
    """Serve as ``ccfpy.enclave`` does, with a traitor."""
    isolate(parent=os.getppid())
    with HostChannel(*channel) as connection:

        def closed() -> Traitor:
            node = build_node(app)
            assert isinstance(node, Node)
            confine(known=connection.descriptors)
            attend_scripts()
            return Traitor(node)

        return serve(connection, closed)


def _host(words: list[str]) -> int:
    """Run the node's host, whose enclave is this file again."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--app", required=True)
    known, options = parser.parse_known_args(words)

    def link(app: str) -> ProcessLink:
        flags = ("-P", "-s", "-W", "ignore", "-m", "tests.lab.attacks.traitor")
        return ProcessLink(
            app,
            command=lambda app, ends: [
                *(sys.executable, *flags, "--serve", app),
                *map(str, ends),
            ],
        )

    return run(
        known.app,
        [*options, "--enclave", "in-process"],
        in_process=link,
        executable=HONEST_PROGRAM,
    )


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        sys.exit(_serve(sys.argv[2], [int(word) for word in sys.argv[3:]]))
    sys.exit(_host(sys.argv[1:]))
