"""What happens in a run: acts, chosen by dice whose weights differ from run to run.

Each act is one or more commands. `Faults` decides what becomes of messages and time.
"""

from collections.abc import Callable, Sequence
from random import Random

from ccfpy.consensus.messages import AppendEntries
from tests.lab.cluster.consensus import membership
from tests.lab.cluster.consensus.stage import Stage
from tests.lab.cluster.faults import CHANGES, Faults, Link, cut_off
from tests.lab.scenario.cluster import (
    ELECTION_TIMEOUT_MS,
    MESSAGE_TIMEOUT_MS,
    Node,
)

SIZES = (1, 1, 1, 60, 300, 3000)
"""Sizes of entries, which decide how many entries go into a message."""
LOST_ALONE, LOST_BURSTS, SIGNED = 0.7, 0.7, 0.6
"""How often one message is lost, the rest of a burst is lost, and writes are signed."""
FAVOURS = (0.0, 0.3, 1.0, 1.0, 3.0)
"""How much more or less likely than usual an act may be in one run."""


class Chaos:
    """One run's acts.

    Attributes:
        stage: where they happen.
        dice: what decides.
        faults: the faults of now.
    """

    def __init__(self, stage: Stage, dice: Random) -> None:
        self.stage = stage
        self.dice = dice
        self.faults = Faults()
        self._ends_turns = dice.choice((True, False))
        self._now_ms = 0
        self._ticked_ms: dict[str, int] = {}
        self._acts, self._weights = _chosen(dice)
        self._changes = [change for change, _ in CHANGES]
        self._change_weights = [weight for _, weight in CHANGES]

    def act(self) -> None:
        """Do one act, chosen by the dice."""
        self.dice.choices(self._acts, cum_weights=self._weights)[0](self)

    # Messages

    def deliver(self) -> None:
        """Deliver or lose the oldest message of some link."""
        links = self._open_links()
        if links:
            self._deliver(self.dice.choice(links))

    def deliver_link(self) -> None:
        """Deliver much of what waits on one link."""
        links = self._open_links()
        if links:
            link = self.dice.choice(links)
            for _ in range(self.dice.randint(2, 6)):
                self._deliver(link)

    def deliver_oldest(self) -> None:
        """Deliver a message where the most are waiting."""
        links = self._open_links()
        if links:
            self._deliver(max(links, key=self._waiting))

    def lose(self) -> None:
        """Lose one message, or all that wait on a link."""
        links = self._links()
        if links:
            is_alone = self.dice.random() < LOST_ALONE
            word = "drop_single" if is_alone else "drop_pending_to"
            self.stage.do(word, *self.dice.choice(links))

    def damage(self) -> None:
        """Deliver entries of which the receiver takes the first few, or none."""
        links = [(link, self._entry_count(link)) for link in self._open_links()]
        with_entries = [(link, count) for link, count in links if count]
        if with_entries:
            link, count = self.dice.choice(with_entries)
            sound = self.dice.randrange(count)
            self.stage.do("dispatch_damaged", *link, str(sound))

    def reorder(self) -> None:
        """Postpone a message, so that others overtake it."""
        links = [link for link in self._links() if self._waiting(link) > 1]
        if links:
            self.stage.do("postpone", *self.dice.choice(links))

    def exchange(self) -> None:
        """Exchange messages between a leader and others, as far as faults allow."""
        leaders = self._leaders()
        if not leaders:
            return
        leader = self.dice.choice(leaders).id
        self.stage.do("periodic_one", leader, str(MESSAGE_TIMEOUT_MS))
        outgoing = [link for link in self._open_links() if link[0] == leader]
        for link in outgoing:
            for _ in range(self._waiting(link)):
                self._deliver(link)
        for link in self._open_links():
            if link[1] == leader:
                for _ in range(self._waiting(link)):
                    self._deliver(link)

    def part_of_burst(self) -> None:
        """Send many messages from a leader, of which one node gets the first few."""
        leaders = self._leaders()
        if not leaders:
            return
        leader = self.dice.choice(leaders)
        self._write(leader, self.dice.randint(2, 5))
        self._sign(leader)
        self.stage.do("periodic_one", leader.id, str(MESSAGE_TIMEOUT_MS))
        links = [link for link in self._open_links() if link[0] == leader.id]
        if links:
            link = self.dice.choice(links)
            for _ in range(self.dice.randint(1, max(self._waiting(link) - 1, 1))):
                self._deliver(link)
            if self.dice.random() < LOST_BURSTS:
                self.stage.do("drop_pending_to", *link)

    # Time

    def tick(self) -> None:
        """Advance time, and tick one node."""
        self._now_ms += self.dice.choice((1, 2, 5, 10))
        nodes = self._awake()
        if nodes:
            node = self.dice.choice(nodes)
            since = self._now_ms - self._ticked_ms.get(node.id, 0)
            self._ticked_ms[node.id] = self._now_ms
            elapsed_ms = self.faults.elapsed_ms(node.id, since)
            self.stage.do("periodic_one", node.id, str(elapsed_ms))

    def jump(self) -> None:
        """Advance a node's clock by an election timeout or more."""
        nodes = self._awake()
        if nodes:
            elapsed_ms = ELECTION_TIMEOUT_MS * self.dice.choice((1, 1, 1, 10))
            self.stage.do("periodic_one", self.dice.choice(nodes).id, str(elapsed_ms))

    def collide(self) -> None:
        """Time out several nodes of one view at once."""
        nodes = [node for node in self._awake() if not node.is_leader]
        if not nodes:
            return
        view = self.dice.choice(nodes).view
        rivals = [node for node in nodes if node.view == view]
        for node in self.dice.sample(rivals, min(len(rivals), self.dice.randint(2, 3))):
            self.stage.do("periodic_one", node.id, str(ELECTION_TIMEOUT_MS))

    # Entries

    def write(self) -> None:
        """Write as a leader, and perhaps sign."""
        leaders = self._leaders()
        if leaders:
            leader = self.dice.choice(leaders)
            self._write(leader, self.dice.randint(0, 2))
            if self.dice.random() < SIGNED:
                self._sign(leader)
            if self._ends_turns:
                self.stage.do("flush", leader.id)

    def end_turn(self) -> None:
        """Send what a leader would not keep until the next tick."""
        leaders = self._leaders()
        if leaders:
            self.stage.do("flush", self.dice.choice(leaders).id)

    def _write(self, leader: Node, count: int) -> None:
        for _ in range(count):
            data = "x" * self.dice.choice(SIZES)
            self.stage.do("replicate", str(leader.view), data)

    def _sign(self, leader: Node) -> None:
        self.stage.do("emit_signature", str(leader.view))

    # Nodes

    def reconfigure(self) -> None:
        """Change the configuration."""
        leaders = self._leaders()
        if leaders:
            membership.reconfigure(self.stage, self.dice.choice(leaders), self.dice)

    def clean_up(self) -> None:
        """Record retirements that are complete."""
        leaders = self._leaders()
        if leaders:
            membership.clean_up(self.stage, self.dice.choice(leaders))

    def crash(self) -> None:
        """Crash a node for ever, if enough nodes are left."""
        node = self.dice.choice(self.stage.live())
        if membership.may_crash(self.stage, node.id):
            self.stage.do("crash", node.id)

    def cut_off_leader(self) -> None:
        """Cut a leader off from all others."""
        leaders = self._leaders()
        if leaders:
            nodes = [node.id for node in self.stage.live()]
            cut_off(self.faults, nodes, self.dice.choice(leaders).id)

    def change_faults(self) -> None:
        """Change the faults around the nodes."""
        change = self.dice.choices(self._changes, self._change_weights)[0]
        nodes = [node.id for node in self.stage.live()]
        if len(nodes) > 1:
            change(self.faults, nodes, self.stage.view, self.dice)

    # What there is

    def _leaders(self) -> list[Node]:
        paused = self.faults.paused
        return [node for node in self.stage.leaders() if node.id not in paused]

    def _awake(self) -> list[Node]:
        paused = self.faults.paused
        return [node for node in self.stage.live() if node.id not in paused]

    def _links(self) -> list[Link]:
        return [
            (node.id, to)
            for node in self.stage.nodes.values()
            for to in node.outbox.receivers
        ]

    def _open_links(self) -> list[Link]:
        faults, view = self.faults, self.stage.view
        return [link for link in self._links() if faults.is_open(link, view)]

    def _waiting(self, link: Link) -> int:
        return self.stage.nodes[link[0]].outbox.waiting(link[1])

    def _entry_count(self, link: Link) -> int:
        message = self.stage.nodes[link[0]].outbox.oldest(link[1])
        if not isinstance(message, AppendEntries):
            return 0
        return message.last.seqno - message.previous.seqno

    def _deliver(self, link: Link) -> None:
        word = "drop_single" if link in self.faults.lost else "dispatch_single"
        self.stage.do(word, *link)


Act = Callable[[Chaos], None]

ALWAYS: tuple[tuple[Act, float], ...] = (
    (Chaos.deliver, 40),
    (Chaos.tick, 12),
    (Chaos.write, 6),
)
"""Acts that every run has, and how likely each is among all."""
SOMETIMES: tuple[tuple[Act, float], ...] = (
    (Chaos.deliver_link, 6),
    (Chaos.deliver_oldest, 6),
    (Chaos.exchange, 3),
    (Chaos.part_of_burst, 1),
    (Chaos.end_turn, 3),
    (Chaos.jump, 2),
    (Chaos.collide, 1.5),
    (Chaos.lose, 2),
    (Chaos.reorder, 1.5),
    (Chaos.damage, 1),
    (Chaos.change_faults, 1.5),
    (Chaos.cut_off_leader, 0.3),
    (Chaos.reconfigure, 0.8),
    (Chaos.clean_up, 0.8),
    (Chaos.crash, 0.15),
)
"""Acts that a run may have more of, or less, or none."""


def _chosen(dice: Random) -> tuple[Sequence[Act], Sequence[float]]:
    """Choose one run's weights; return the acts and the cumulative weights."""
    acts: list[Act] = []
    sums: list[float] = []
    total = 0.0
    for act, weight in ALWAYS:
        total += weight
        acts.append(act)
        sums.append(total)
    for act, weight in SOMETIMES:
        total += weight * dice.choice(FAVOURS)
        acts.append(act)
        sums.append(total)
    return acts, sums
