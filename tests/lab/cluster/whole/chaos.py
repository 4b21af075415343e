"""What happens next in a run: dice whose weights differ from run to run.

Every choice becomes a line of words, so that a run is its lines alone.
"""

from collections.abc import Callable
from random import Random

from ccfpy.base.ids import NodeId
from tests.lab.cluster.faults import CHANGES, Faults, Link
from tests.lab.cluster.whole import quorums
from tests.lab.cluster.whole.booting import ELECTION_TIMEOUT_MS, SIGNATURE_MS
from tests.lab.cluster.whole.clients import KEYS
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.cluster.whole.stage import NODES_MAX, Stage
from tests.lab.cluster.whole.world import World

FAVOURS = (0.0, 0.3, 1.0, 1.0, 3.0)
"""How much more or less likely than usual an act may be in one run."""
PASSES_MS = (20, 20, 40, 40, 100, 200, 400)
JUMPS_MS = (ELECTION_TIMEOUT_MS, 2 * ELECTION_TIMEOUT_MS, 60_000)
RATES = (0.5, 0.8, 1.0, 1.25, 2.0)
STRANDINGS_MS = (ELECTION_TIMEOUT_MS, 2 * ELECTION_TIMEOUT_MS, 3 * ELECTION_TIMEOUT_MS)
SIGNED = 0.6
"""How often what a stranded primary wrote is signed, and another takes its place."""
FRESH, ON_OLD_DISK = 0.6, 0.3
"""How often a joiner fetches a snapshot, and has the disk of a node that is gone."""
LYING = 0.3
"""How often the host of the asked node changes that snapshot."""
DISK_OPERATIONS_MAX = 40
AHEAD = (-60, -20, -20, -5, 0, 0, 1, 2, 4)
"""How far ahead of a node's commit clients ask for the past."""
BYTES_MAX = 4000
"""Which byte of a message or file a host changes, counted from the end."""
COUNTED_MAX = 5
"""How many nodes may run before no more join."""


_STRANDED = ("write", "write", "rekey", "rekey", "snapshot", "remove")
"""What a stranded primary has to do."""


class Chaos:
    """One run's acts.

    Attributes:
        stage: where they happen.
        dice: what decides.
    """

    def __init__(self, stage: Stage, dice: Random) -> None:
        self.stage = stage
        self.dice = dice
        self._acts = [act for act, _ in _ACTS]
        self._weights = [
            weight * (1.0 if act in _STEADY else dice.choice(FAVOURS))
            for act, weight in _ACTS
        ]
        self._faults = Faults()
        self._changes = [change for change, _ in CHANGES]
        self._change_weights = [weight for _, weight in CHANGES]

    @property
    def world(self) -> World:
        """The nodes."""
        return self.stage.world

    def act(self) -> None:
        """Do one act, chosen by the dice."""
        self.dice.choices(self._acts, self._weights)[0](self)

    def _do(self, *words: object) -> None:
        self.stage.do(" ".join(map(str, words)))

    def _any(self) -> SimulatedNode | None:
        nodes = self.world.awake
        return self.dice.choice(nodes) if nodes else None

    def _served(self) -> SimulatedNode | None:
        nodes = [node for node in self.world.awake if node.has_joined]
        return self.dice.choice(nodes) if nodes else None

    # Time and messages

    def let_pass(self) -> None:
        """Advance time for all."""
        self._do("pass", self.dice.choice(PASSES_MS))

    def tick(self) -> None:
        """Advance time for one node."""
        if (node := self._any()) is not None:
            self._do("tick", node.name, self.dice.choice(PASSES_MS))

    def jump(self) -> None:
        """Advance one clock by a jump."""
        if (node := self._any()) is not None:
            self._do("jump", node.name, self.dice.choice(JUMPS_MS))

    def bend_clock(self) -> None:
        """Change the pace of a clock."""
        if (node := self._any()) is not None:
            self._do("rate", node.name, self.dice.choice(RATES))

    def deliver(self) -> None:
        """Deliver some of what waits on a link."""
        if (link := self._link()) is not None:
            self._do("deliver", *link, self.dice.choice((1, 1, 2, 5, 50)))

    def disturb(self) -> None:
        """Lose, double or delay a message, or several."""
        if (link := self._link()) is None:
            return
        word = self.dice.choice(("drop", "drop", "twice", "late"))
        for _ in range(self.dice.choice((1, 1, 1, 3))):
            at = self.dice.randrange(len(self.world.links.get(link, ())) + 1)
            self._do(word, *link, at)

    def _link(self) -> Link | None:
        waiting = sorted(link for link, held in self.world.links.items() if held)
        return self.dice.choice(waiting) if waiting else None

    def change_faults(self) -> None:
        """Change the faults around the nodes."""
        names = [NodeId(node.name) for node in self.world.alive]
        if len(names) > 1:
            change = self.dice.choices(self._changes, self._change_weights)[0]
            change(self._faults, names, self.world.view, self.dice)
            self._tell_faults()

    def isolate_primary(self) -> None:
        """Cut the primary off from all others, in both directions or one."""
        leaders = self.world.leaders
        if not leaders:
            return
        leader = NodeId(leaders[-1].name)
        ways = self.dice.choice(((True, True), (True, False), (False, True)))
        for node in self.world.alive:
            other = NodeId(node.name)
            if other != leader and ways[0]:
                self._faults.lost.add((leader, other))
            if other != leader and ways[1]:
                self._faults.lost.add((other, leader))
        self._tell_faults()

    def strand_primary(self) -> None:
        """Isolate a primary, which goes on until another takes its place."""
        leaders = self.world.leaders
        if not leaders:
            return
        name = leaders[-1].name
        self.isolate_primary()
        for _ in range(self.dice.randint(1, 4)):
            word = self.dice.choice(_STRANDED)
            if word == "write":
                self._do(word, name, self.dice.choice(KEYS))
            elif word == "remove":
                self._do(word, self.dice.choice(self.world.nodes).name, name)
            else:
                self._do(word, name)
            if self.dice.random() < SIGNED:
                self._do("tick", name, SIGNATURE_MS)
        if self.dice.random() < SIGNED:
            self._do("pass", self.dice.choice(STRANDINGS_MS))
        self.clear_up()

    def clear_up(self) -> None:
        """End all faults of links and nodes."""
        self._faults.clear()
        self._tell_faults()

    def _tell_faults(self) -> None:
        faults = self._faults
        self._do(
            "faults",
            *(f"lost:{a}>{b}" for a, b in sorted(faults.lost)),
            *(f"held:{a}>{b}@{view}" for (a, b), view in sorted(faults.held.items())),
            *(f"paused:{name}" for name in sorted(faults.paused)),
            *(f"clogged:{name}" for name in faults.clogged),
        )

    # Clients and members

    def write(self) -> None:
        """Write a little, or much."""
        if (node := self._served()) is not None:
            for _ in range(self.dice.choice((1, 1, 2, 2, 8))):
                self._do("write", node.name, self.dice.choice(KEYS))

    def read(self) -> None:
        """Read."""
        if (node := self._served()) is not None:
            self._do("read", node.name, self.dice.choice(KEYS))

    def begin_slowly(self) -> None:
        """Write or read, or propose something, while the application is slow."""
        if (node := self._served()) is None:
            return
        self._do("slow", node.name, self.dice.choice((1, 1, 2, 2, 3)))
        word = self.dice.choice(("write", "write", "write", "read", "rekey"))
        if word == "rekey":
            self._do(word, node.name)
        else:
            self._do(word, node.name, self.dice.choice(KEYS))

    def run_on(self) -> None:
        """Run slow calls on, some or all of a node."""
        slow = [node for node in self.world.awake if node.slow.away]
        if slow:
            node = self.dice.choice(slow)
            for _ in range(self.dice.choice((1, 1, 2, len(node.slow.away)))):
                self._do("run_on", node.name, self.dice.randrange(NODES_MAX))

    def ask_status(self) -> None:
        """Ask what became of transactions."""
        if (node := self._served()) is not None:
            self._do("status", node.name)

    def ask_past(self) -> None:
        """Ask for the past, or for what is not past yet."""
        if (node := self._served()) is not None:
            self._do("past", node.name, self.dice.choice(AHEAD))

    def ask_index(self) -> None:
        """Ask an index."""
        if (node := self._served()) is not None:
            self._do("index", node.name, self.dice.choice(KEYS))

    def lie(self) -> None:
        """Make a host lie about what it is asked for next."""
        if (node := self._any()) is not None:
            kind = self.dice.choice(("ledger", "ledger", "snapshot"))
            how = self.dice.choice((0, self.dice.randrange(1, BYTES_MAX)))
            self._do("lie", node.name, kind, how)
            if kind == "ledger":
                self._do("past", node.name, self.dice.choice(AHEAD))

    def bend(self) -> None:
        """Change a byte of a message on its way."""
        if (link := self._link()) is not None:
            at = self.dice.randrange(len(self.world.links.get(link, ())) + 1)
            self._do("bend", *link, at, self.dice.randrange(BYTES_MAX))

    def hang_up(self) -> None:
        """Disconnect clients."""
        if (node := self._any()) is not None:
            self._do("hang_up", node.name)

    def govern(self) -> None:
        """Propose something that changes no membership."""
        if (node := self._served()) is not None:
            self._do(self.dice.choice(("rekey", "snapshot", "chunk")), node.name)

    def join(self) -> None:
        """Start a node that asks to join, perhaps on the disk of another."""
        target = self._served()
        counted = len(quorums.up(self.world))
        if (
            target is None
            or len(self.world.nodes) >= NODES_MAX
            or counted > COUNTED_MAX
        ):
            return
        gone = [
            node.name
            for node in self.world.nodes
            if not node.is_alive and not node.is_doomed
        ]
        words = ["join", target.name]
        if gone and self.dice.random() < ON_OLD_DISK:
            words.append(self.dice.choice(gone))
        if self.dice.random() < FRESH:
            words.append("fresh")
            if self.dice.random() < LYING:
                how = self.dice.randrange(BYTES_MAX)
                self._do("lie", target.name, "snapshot", how)
        self._do(*words)

    def trust(self) -> None:
        """Propose to trust a node that waits."""
        waiting = [node for node in self.world.alive if not node.has_joined]
        via = self._served()
        if waiting and via is not None:
            self._do("trust", self.dice.choice(waiting).name, via.name)

    def remove(self) -> None:
        """Propose to remove a node: any, often the primary, often one that is gone."""
        via = self._served()
        leaders = self.world.leaders
        gone = [node for node in self.world.nodes if not node.is_alive]
        choices = [self.world.nodes, leaders[-1:], gone]
        nodes = self.dice.choice([some for some in choices if some])
        if via is not None:
            self._do("remove", self.dice.choice(nodes).name, via.name)

    def forget(self) -> None:
        """Forget a node that has left."""
        via = self._served()
        if via is not None:
            self._do("forget", self.dice.choice(self.world.nodes).name, via.name)

    def crash(self) -> None:
        """Crash a node for ever."""
        if (node := self._any()) is not None:
            how = self.dice.choice(("kill", "power"))
            self._do("crash", node.name, how, self.dice.randrange(1000))

    def break_disk(self) -> None:
        """Break a disk before long."""
        if (node := self._any()) is not None:
            how = self.dice.choice(("write", "any", "full"))
            self._do("disk", node.name, how, self.dice.randrange(DISK_OPERATIONS_MAX))


_Act = Callable[[Chaos], None]
_ACTS: tuple[tuple[_Act, float], ...] = (
    (Chaos.let_pass, 30),
    (Chaos.tick, 8),
    (Chaos.jump, 2),
    (Chaos.bend_clock, 1),
    (Chaos.deliver, 14),
    (Chaos.disturb, 8),
    (Chaos.change_faults, 5),
    (Chaos.isolate_primary, 2),
    (Chaos.strand_primary, 2),
    (Chaos.clear_up, 3),
    (Chaos.write, 14),
    (Chaos.read, 3),
    (Chaos.begin_slowly, 6),
    (Chaos.run_on, 8),
    (Chaos.ask_status, 4),
    (Chaos.ask_past, 4),
    (Chaos.ask_index, 1),
    (Chaos.lie, 2),
    (Chaos.bend, 2),
    (Chaos.hang_up, 1),
    (Chaos.govern, 3),
    (Chaos.join, 3),
    (Chaos.trust, 4),
    (Chaos.remove, 2),
    (Chaos.forget, 1),
    (Chaos.crash, 2),
    (Chaos.break_disk, 1),
)
_STEADY = frozenset({Chaos.let_pass, Chaos.write})
"""Acts without which nothing happens in a run."""
