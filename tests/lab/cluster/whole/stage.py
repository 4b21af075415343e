"""What can happen in a run of whole nodes: acts, each a line of words.

An act that makes no sense does nothing, so that any part of a run is a run. Nodes have
numbers, in the order in which they came.

=========================  ====================================================
``open``                   the first node's service opens
``pass MS``                time passes for all, and what can arrive does
``tick N MS``              time passes for one node alone
``jump N MS``              its clock jumps
``rate N R``               its clock goes at another pace
``deliver A B COUNT``      messages arrive, oldest first
``drop A B AT``            a message is lost
``twice A B AT``           a message is doubled
``late A B AT``            a message is overtaken by all others on its link
``bend A B AT BYTE``       a host or the network changes a byte of a message
``lie N KIND HOW``         the host of node N changes its next answer about the
                           ``ledger`` or a ``snapshot``: a byte of it, or, if HOW is 0,
                           the whole of it
``faults …``               the faults of links and nodes from now on (`Faults`)
``write N KEY``            a client of node N writes
``read N KEY``             a client of node N reads
``status N``               a client of node N asks after transactions it heard of
``past N AHEAD``           a client of node N asks for some transactions and their
                           proofs, the last so far ahead of its commit
``index N KEY``            a client of node N asks which transactions wrote KEY
``hang_up N``              clients of node N go away
``slow N STOPS``           the next call of node N's application stops so often, and
                           the node goes on without it
``run_on N AT``            such a call runs to its next stop, or its end
``join N [FROM] [fresh]``  a node asks N to join: on the disk that node FROM had,
                           and, if fresh, by a snapshot of N
``trust N VIA``            a member proposes that a node be trusted, to node VIA
``remove N VIA``           or that it leave
``rekey VIA``              or that the ledger have a new secret
``snapshot VIA``           or that a snapshot be taken
``chunk VIA``              or that the ledger's chunk end
``forget N VIA``           a node that has left for good is forgotten
``crash N HOW DICE``       a node's process or machine (``kill``, ``power``) stops;
                           dice say how much the disk had not got yet
``disk N HOW AT``          its disk fails after so many operations (``any``) or writes
                           (``write``), or is ``full`` soon, and so the node may end
=========================  ====================================================
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random

from ccfpy.base.ids import NodeId, TxId
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.events import PeerMessage
from ccfpy.testing.disk import MemoryDisk
from tests.lab.cluster.faults import Link
from tests.lab.cluster.whole import booting, disks, quorums
from tests.lab.cluster.whole.clients import Clients
from tests.lab.cluster.whole.founding import member
from tests.lab.cluster.whole.host import Files, SimulatedNode
from tests.lab.cluster.whole.lies import bent
from tests.lab.cluster.whole.watch import Watch
from tests.lab.cluster.whole.world import World

TICK_MS = 20
"""How far clocks go at once while time passes for all."""
NODES_MAX = 9
"""Nodes in one run, those that are gone included."""
STATUSES_ASKED = 4

Words = Sequence[str]


class Stage:
    """A run's world, its clients, and its acts.

    Attributes:
        seed: decides every key.
        must_sync: nodes wait for the disk at each signature; if they do not, they need
            not survive a power loss.
        acts: what was done, as lines.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.must_sync = seed % 2 == 0
        self.watch = Watch()
        self.clients = Clients(member())
        self.world = World(self.watch.step, self.clients.take)
        self.clients.world = self.world
        self.acts: list[str] = []
        self._acts = self._all_acts()

    # Acts as lines

    def do(self, line: str) -> None:
        """Follow a line, and keep it.

        Raises:
            Violated: an invariant does not hold.
            ValueError: the line is no act.
        """
        self.acts.append(line)
        word, *rest = line.split()
        act = self._acts.get(word)
        if act is None:
            raise ValueError(f"no act is called {word!r}")
        act(rest)
        self.clients.go_on()

    def _all_acts(self) -> Mapping[str, Callable[[Words], None]]:
        return {
            "open": self._open,
            "pass": self._pass,
            "tick": self._tick,
            "jump": self._jump,
            "rate": self._rate,
            "deliver": self._deliver,
            "drop": self._drop,
            "twice": self._twice,
            "late": self._late,
            "bend": self._bend,
            "lie": self._lie,
            "faults": self._faults,
            "write": self._write,
            "read": self._read,
            "status": self._status,
            "past": self._past,
            "index": self._index,
            "hang_up": self._hang_up,
            "slow": self._slow,
            "run_on": self._run_on,
            "join": self._join,
            "trust": self._trust,
            "remove": self._remove,
            "rekey": self._rekey,
            "snapshot": self._snapshot,
            "chunk": self._chunk,
            "forget": self._forget,
            "crash": self._crash,
            "disk": self._disk,
        }

    def _awake(self, name: str) -> SimulatedNode | None:
        node = self.world.node(name)
        if node is None or node not in self.world.awake:
            return None
        return node

    def _open(self, _: Words) -> None:
        node = self._awake("0")
        if node is not None:
            self.clients.open_service(node)

    # Time and messages

    def _pass(self, words: Words) -> None:
        self.let_pass(int(words[0]))

    def let_pass(self, ms: int) -> None:
        """Advance time for all, and deliver what can arrive."""
        end = self.world.now_ms + ms
        while self.world.now_ms < end:
            self.world.now_ms += TICK_MS
            for node in self.world.awake:
                self.world.tick(node, TICK_MS)
            self.world.deliver_all()

    def _tick(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.world.tick(node, int(words[1]))

    def _jump(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.world.jump(node, int(words[1]))

    def _rate(self, words: Words) -> None:
        node = self.world.node(words[0])
        if node is not None:
            node.rate = float(words[1])

    def _deliver(self, words: Words) -> None:
        self.world.deliver(_link(words), int(words[2]))
        self.world.streams.carry()

    def _drop(self, words: Words) -> None:
        waiting, at = self._message(words)
        if waiting:
            del waiting[at]

    def _twice(self, words: Words) -> None:
        waiting, at = self._message(words)
        if waiting:
            waiting.append(waiting[at])

    def _late(self, words: Words) -> None:
        waiting, at = self._message(words)
        if waiting:
            message = waiting[at]
            del waiting[at]
            waiting.append(message)

    def _bend(self, words: Words) -> None:
        waiting, at = self._message(words)
        if waiting and waiting[at].payload:
            waiting[at] = bent(waiting[at], int(words[3]))

    def _lie(self, words: Words) -> None:
        node = self.world.node(words[0])
        if node is not None:
            node.lies[words[1]] = int(words[2])

    def _message(self, words: Words) -> tuple[deque[PeerMessage], int]:
        waiting = self.world.links.get(_link(words), deque())
        return waiting, min(int(words[2]), len(waiting) - 1)

    def _faults(self, words: Words) -> None:
        faults = self.world.faults
        faults.clear()
        for word in words:
            kind, _, what = word.partition(":")
            match kind:
                case "lost":
                    a, b = what.split(">")
                    faults.lost.add((NodeId(a), NodeId(b)))
                case "held":
                    link, _, view = what.partition("@")
                    a, b = link.split(">")
                    faults.held[NodeId(a), NodeId(b)] = int(view)
                case "paused":
                    faults.paused.add(NodeId(what))
                case "clogged":
                    faults.clogged.append(NodeId(what))
                case _:
                    raise ValueError(f"no fault is called {word!r}")

    # Clients

    def _write(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.clients.write(node, words[1])

    def _read(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.clients.read(node, words[1])

    def _status(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            for txid in list(self.clients.known)[-STATUSES_ASKED:]:
                self.ask_status(node, txid)

    def ask_status(self, node: SimulatedNode, txid: TxId) -> None:
        """Ask as a client what became of a transaction."""
        if node.is_alive:
            self.clients.ask_status(node, txid)

    def _past(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            committed = node.running.replication.raft.log.commit_seqno
            self.clients.ask_past(node, max(1, committed + int(words[1])))

    def _index(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.clients.ask_index(node, words[1])

    def _hang_up(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            self.clients.hang_up(node)

    def _slow(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None:
            node.slow.next_stops = int(words[1])

    def _run_on(self, words: Words) -> None:
        node = self._awake(words[0])
        if node is not None and node.slow.away:
            away = node.slow.away
            self.world.run_on(node, away[int(words[1]) % len(away)])

    def end_slow_calls(self) -> None:
        """Run every slow call to its end."""
        for node in self.world.alive:
            while node.is_alive and node.slow.away:
                self.world.run_on(node, node.slow.away[0])

    # Members

    def _trust(self, words: Words) -> None:
        node, via = self.world.node(words[0]), self._awake(words[1])
        if node is None or via is None:
            return
        # A node that joined, and whose trust was then taken back, does not ask again:
        # an operator would begin another.
        if not node.has_joined and quorums.may_trust(self.world, node):
            args = {"node_id": node.id, "valid_from": "250615120000Z"}
            self.clients.propose(via, "transition_node_to_trusted", dict(args))

    def _remove(self, words: Words) -> None:
        node, via = self.world.node(words[0]), self._awake(words[1])
        if node is None or via is None:
            return
        if quorums.may_remove(self.world, node):
            self.clients.propose(via, "remove_node", {"node_id": node.id})

    def _rekey(self, words: Words) -> None:
        self._propose(words, "trigger_ledger_rekey")

    def _snapshot(self, words: Words) -> None:
        self._propose(words, "trigger_snapshot")

    def _chunk(self, words: Words) -> None:
        self._propose(words, "trigger_ledger_chunk")

    def _propose(self, words: Words, action: str) -> None:
        via = self._awake(words[0])
        if via is not None:
            self.clients.propose(via, action)

    def _forget(self, words: Words) -> None:
        node, via = self.world.node(words[0]), self._awake(words[1])
        if node is not None and via is not None:
            self.clients.delete_node(via, node)

    # Nodes

    def _crash(self, words: Words) -> None:
        node = self.world.node(words[0])
        if node is None or not node.is_alive or not quorums.may_crash(self.world, node):
            return
        self.world.end(node, words[1])
        self.clients.hang_up(node)
        if words[1] == "power" and self.must_sync:
            dice = Random(words[2])  # noqa: S311 - a schedule, not a secret
            survivor = node.files.disk.after_power_loss(
                lambda most: dice.randint(0, most)
            )
        else:
            survivor = node.files.disk.after_kill()
        disks.check_survivor(node, survivor)
        node.files.disk = survivor

    def _disk(self, words: Words) -> None:
        node = self.world.node(words[0])
        if node is None or not node.is_alive or not quorums.may_crash(self.world, node):
            return
        disks.let_fail(node.files.disk, words[1], int(words[2]))
        node.is_doomed = True

    def start(self) -> None:
        """Begin the service, with its first node."""
        self._boot(MemoryDisk(), booting.founder(self.clients.member), target=None)

    def _join(self, words: Words) -> None:
        target = self.world.node(words[0])
        if target is None or len(self.world.nodes) >= NODES_MAX:
            return
        former = next((self.world.node(w) for w in words[1:] if w.isdigit()), None)
        if former is not None and (former.is_alive or former.is_doomed):
            return
        disk = MemoryDisk() if former is None else former.files.disk.after_kill()
        founder = self.world.nodes[0].identity
        assert founder is not None, "it began the service"
        configuration = booting.joiner(
            target,
            service_certificate=founder.service_certificate or b"",
            is_fresh="fresh" in words,
        )
        self._boot(disk, configuration, target=target.name)

    def _boot(
        self, disk: MemoryDisk, configuration: NodeConfiguration, *, target: str | None
    ) -> None:
        files = Files.on(disk, must_sync=self.must_sync)
        node = booting.node_of(
            configuration,
            files,
            index=len(self.world.nodes),
            seed=self.seed,
            now_ms=self.world.now_ms,
        )
        node.target = target
        self.world.nodes.append(node)
        self.world.step(node, node.boot)


def _link(words: Words) -> Link:
    return NodeId(words[0]), NodeId(words[1])
