"""The commands that change something."""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.configurations import Configuration
from tests.lab.scenario.cluster import Cluster, Node
from tests.lab.scenario.errors import ScenarioFailed

LATEST = "latest"
SIGNATURE = b"signature"


def number(text: str) -> int:
    """Read a number.

    Raises:
        ScenarioFailed: it is no number.
    """
    try:
        return int(text)
    except ValueError as error:
        raise ScenarioFailed(f"not a number: {text!r}") from error


def leader_of(cluster: Cluster, view: str) -> Node | None:
    """Find the leader of a view; ``latest`` may find none.

    Raises:
        ScenarioFailed: the view has none.
    """
    if view == LATEST:
        return cluster.latest_leader()
    for node in cluster.leaders():
        if node.raft.view == number(view):
            return node
    raise ScenarioFailed(f"nobody leads view {view}")


def pre_vote_enabled(cluster: Cluster, words: list[str]) -> None:
    """Choose for nodes created from now on: ``true`` or ``false``."""
    if words[0] not in ("true", "false"):
        raise ScenarioFailed(f"neither true nor false: {words[0]!r}")
    cluster.is_pre_vote_enabled = words[0] == "true"


def start_node(cluster: Cluster, words: list[str]) -> None:
    """Create the first node; it leads view 2 and writes a configuration of itself."""
    if cluster.nodes:
        raise ScenarioFailed("the network has begun already")
    node = cluster.add(NodeId(words[0]))
    node.begin()
    node.append(b"", configuration=frozenset({node.id}))


def trust_nodes(cluster: Cluster, words: list[str]) -> None:
    """Create nodes; the leader of the view writes a configuration of all there are."""
    view, *names = words
    _add_connected(cluster, names)
    _write(cluster, view, configuration=frozenset(cluster.nodes))


def swap_node(cluster: Cluster, words: list[str]) -> None:
    """Replace one node by a new one."""
    view, leaving, joining = words
    _swap(cluster, view, joining=[joining], leaving=[leaving])


def swap_nodes(cluster: Cluster, words: list[str]) -> None:
    """Replace nodes: the view, then ``in`` and ``out``, each with names after it."""
    view, *rest = words
    lists: dict[str, list[str]] = {"in": [], "out": []}
    if rest[0] not in lists:
        raise ScenarioFailed(f"expected in or out, not {rest[0]!r}")
    current = rest[0]
    for word in rest:
        if word in lists:
            current = word
        else:
            lists[current].append(word)
    _swap(cluster, view, joining=lists["in"], leaving=lists["out"])


def cleanup_nodes(cluster: Cluster, words: list[str]) -> None:
    """Write that nodes' retirements are complete."""
    view, *names = words
    retired = frozenset(cluster.node(name).id for name in names)
    _write(cluster, view, retired=retired)


def nodes(cluster: Cluster, words: list[str]) -> None:
    """Create nodes that all know one configuration from nowhere. For old scripts."""
    for name in words:
        cluster.add(NodeId(name))
    configuration = Configuration(seqno=0, nodes=frozenset(map(NodeId, words)))
    for node in cluster.nodes.values():
        node.join(configuration)


def create_new_node(cluster: Cluster, words: list[str]) -> None:
    """Create a node that nobody knows."""
    cluster.add(NodeId(words[0]))


def create_from_snapshot(cluster: Cluster, words: list[str]) -> None:
    """Create a node that nobody knows from a snapshot of what is final on another."""
    source = cluster.node(words[1])
    if not source.commit_seqno:
        raise ScenarioFailed(f"nothing is final on node {source.id}")
    node = cluster.add(NodeId(words[0]), is_ticking=False)
    node.join_from_snapshot(source.ledger[: source.commit_seqno])


def new_configuration(cluster: Cluster, words: list[str]) -> None:
    """Write a configuration of the named nodes, creating those that do not exist."""
    view, *names = words
    for name in names:
        if NodeId(name) not in cluster.nodes:
            cluster.add(NodeId(name))
    _write(cluster, view, configuration=frozenset(map(NodeId, names)))


def replicate(cluster: Cluster, words: list[str]) -> None:
    """Write an entry as the leader of a view."""
    leader = leader_of(cluster, words[0])
    if leader is not None:
        leader.append(words[1].encode())


def emit_signature(cluster: Cluster, words: list[str]) -> None:
    """Write a signature as the leader of a view."""
    leader = leader_of(cluster, words[0])
    if leader is not None:
        leader.append(SIGNATURE, is_committable=True)


def periodic_one(cluster: Cluster, words: list[str]) -> None:
    """Advance time for one node, in milliseconds."""
    cluster.tick(cluster.node(words[0]), number(words[1]))


def periodic_all(cluster: Cluster, words: list[str]) -> None:
    """Advance time for every node, in milliseconds, in the order of ids."""
    for node in cluster.nodes.values():
        cluster.tick(node, number(words[0]))


def dispatch_one(cluster: Cluster, words: list[str]) -> None:
    """Deliver all that a node has to send."""
    cluster.dispatch(cluster.node(words[0]))


def dispatch_all(cluster: Cluster, _: list[str]) -> None:
    """Deliver messages and their answers."""
    cluster.dispatch_all()


def dispatch_all_once(cluster: Cluster, _: list[str]) -> None:
    """Deliver what is queued now."""
    cluster.dispatch_all_once()


def dispatch_single(cluster: Cluster, words: list[str]) -> None:
    """Deliver the first message from one node to another."""
    cluster.dispatch_single(cluster.node(words[0]), cluster.node(words[1]).id)


def dispatch_damaged(cluster: Cluster, words: list[str]) -> None:
    """Deliver the first message between two nodes, with so many entries undamaged."""
    source, to, sound = words
    cluster.dispatch_damaged(
        cluster.node(source), cluster.node(to).id, max(number(sound), 0)
    )


def shuffle_one(cluster: Cluster, words: list[str]) -> None:
    """Put a node's outbox into another order."""
    cluster.node(words[0]).outbox.shuffle(cluster.dice)


def shuffle_all(cluster: Cluster, _: list[str]) -> None:
    """Put every outbox into another order."""
    for node in cluster.nodes.values():
        node.outbox.shuffle(cluster.dice)


def connect(cluster: Cluster, words: list[str]) -> None:
    """Connect two nodes."""
    cluster.connect(cluster.node(words[0]).id, cluster.node(words[1]).id)


def reconnect_node(cluster: Cluster, words: list[str]) -> None:
    """Connect a node with every other."""
    node = cluster.node(words[0])
    for other in cluster.nodes.keys() - {node.id}:
        cluster.connect(node.id, other)


def disconnect(cluster: Cluster, words: list[str]) -> None:
    """Disconnect two nodes."""
    cluster.disconnect(cluster.node(words[0]).id, cluster.node(words[1]).id)


def disconnect_node(cluster: Cluster, words: list[str]) -> None:
    """Disconnect a node from every other."""
    node = cluster.node(words[0])
    for other in cluster.nodes:
        cluster.disconnect(node.id, other)


def drop_pending(cluster: Cluster, words: list[str]) -> None:
    """Lose all that a node has to send."""
    for to in cluster.nodes:
        cluster.drop_pending(cluster.node(words[0]), to)


def drop_pending_to(cluster: Cluster, words: list[str]) -> None:
    """Lose what a node has to send to another."""
    cluster.drop_pending(cluster.node(words[0]), cluster.node(words[1]).id)


def flush(cluster: Cluster, words: list[str]) -> None:
    """End a node's turn, which sends what would not wait for the next tick."""
    node = cluster.node(words[0])
    if not node.is_crashed:
        node.flush()


def drop_single(cluster: Cluster, words: list[str]) -> None:
    """Lose the oldest message from one node to another."""
    cluster.drop_single(cluster.node(words[0]), cluster.node(words[1]).id)


def postpone(cluster: Cluster, words: list[str]) -> None:
    """Move the oldest message from one node to another behind the rest."""
    cluster.node(words[0]).outbox.postpone(cluster.node(words[1]).id)


def crash(cluster: Cluster, words: list[str]) -> None:
    """Crash a node for ever."""
    cluster.crash(cluster.node(words[0]))


def _add_connected(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        cluster.add(NodeId(name))
    for name in names:
        reconnect_node(cluster, [name])


def _swap(
    cluster: Cluster, view: str, *, joining: list[str], leaving: list[str]
) -> None:
    _add_connected(cluster, joining)
    gone = {cluster.node(name).id for name in leaving}
    _write(cluster, view, configuration=frozenset(cluster.nodes.keys() - gone))


def _write(
    cluster: Cluster,
    view: str,
    *,
    configuration: frozenset[NodeId] | None = None,
    retired: frozenset[NodeId] | None = None,
) -> None:
    leader = leader_of(cluster, view)
    if leader is not None:
        leader.append(b"", configuration=configuration, retired=retired)
