"""When each waiting node was heard last, and which node gives its place to a newcomer.

Every node remembers the waiting nodes that it heard. Only the primary removes records,
by its own transactions and by its own clock. The rules:

1. A node that asks again is heard, which writes nothing. A backup forwards the request
   to the primary now and then, so that the primary hears the node too.
2. A node that was silent for long loses its record, and may ask again.
3. If all places are taken, a newcomer takes the place of the node that was silent for
   longest. Only a bounded number of newcomers do so in a time; further newcomers are
   asked to come back.
4. A node that an open proposal names gets a place at once and never loses it. Members
   can so admit their node, although strangers ask as fast as they can.

A new primary, which has heard no node yet, counts from its first check.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import NodeId
from ccfpy.kv.tx import Tx
from ccfpy.node.ports import Primary
from ccfpy.service import nodes


@dataclass(eq=False)
class PendingNodes:
    """The waiting nodes, as one node of the service heard them.

    Attributes:
        node: the node whose transactions remove records.
        log: called with each removed node.
        now_ms: on the clock that ``tick`` follows.
    """

    node: Primary
    log: Callable[[str], None]
    now_ms: int

    def __post_init__(self) -> None:
        self._look_ms = self.now_ms + limits.PENDING_LOOK_MS
        self._replaced_ms = self.now_ms - limits.PENDING_REPLACED_MS
        self._heard: dict[NodeId, int] = {}
        self._sent_on: dict[NodeId, int] = {}

    def heard(self, node_id: NodeId) -> None:
        """Note that a node that waits asked again."""
        self._heard[node_id] = self.now_ms

    def is_to_be_sent_on(self, node_id: NodeId) -> bool:
        """Return whether a backup should send a node on to the primary now.

        Its record may have been removed meanwhile, of which the primary knows first.
        """
        last = self._sent_on.get(node_id)
        if last is not None and self.now_ms - last < limits.PENDING_HEARD_MS:
            return False
        self._sent_on[node_id] = self.now_ms
        return True

    def make_room(self, tx: Tx, newcomer: NodeId) -> Callable[[], None]:
        """Find a place for a node that waits from now on.

        Args:
            tx: which enters it; a record may be removed.
            newcomer: the node.

        Returns:
            What to do when the transaction is ordered.

        Raises:
            LimitExceeded: there is none now.
        """
        waiting = [each for each in nodes.pending_nodes(tx) if each != newcomer]
        if len(waiting) < limits.PENDING_NODES_MAX:
            return lambda: self.heard(newcomer)
        named = nodes.named_by_proposals(tx, [*waiting, newcomer])
        is_early = self.now_ms - self._replaced_ms < limits.PENDING_REPLACED_MS
        candidates = [each for each in waiting if each not in named]
        if not candidates or (is_early and newcomer not in named):
            raise LimitExceeded(
                f"{len(waiting)} nodes wait to be trusted already: ask again, or have "
                f"a member's proposal name {newcomer}"
            )
        victim = min(candidates, key=lambda each: (self._heard_at(each), each))
        nodes.remove(tx, victim)

        def done() -> None:
            self.heard(newcomer)
            self._heard.pop(victim, None)
            if newcomer not in named:
                self._replaced_ms = self.now_ms
            self.log(f"Node {victim} gave its place to {newcomer}")

        return done

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and remove nodes that were silent for too long."""
        self.now_ms = now_ms
        if now_ms < self._look_ms:
            return
        self._look_ms = now_ms + limits.PENDING_LOOK_MS
        tx = self.node.begin(read_only=not self.node.is_primary)
        waiting = nodes.pending_nodes(tx)
        self._heard = {each: self._heard_at(each) for each in waiting}
        self._sent_on = {
            each: at for each, at in self._sent_on.items() if each in self._heard
        }
        if not self.node.is_primary:
            return
        oldest = now_ms - 1000 * limits.PENDING_SILENT_S
        silent = [each for each in waiting if self._heard[each] <= oldest]
        if not silent:
            return
        for each in sorted(set(silent) - nodes.named_by_proposals(tx, silent)):
            nodes.remove(tx, each)
            self.log(f"Node {each} waited to be trusted, and was not heard any more")
        self.node.commit(tx, None)

    def _heard_at(self, node_id: NodeId) -> int:
        return self._heard.get(node_id, self.now_ms)
