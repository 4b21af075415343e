"""Consensus under random weather: whatever happens, what must hold holds.

Every run is a function of its seed. A failure names it.
"""

from random import Random

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.testing.scenario import steps
from ccfpy.testing.scenario.assertions import loop_until_sync
from ccfpy.testing.scenario.checks import History, check_commit_safety
from ccfpy.testing.scenario.cluster import Cluster

SEEDS = 40
STEPS = 500
ROUNDS_MAX = 400
TIMES_MS = (1, 1, 1, 2, 2, 3, 5, 10, 100)


def _begin(seed: int, dice: Random) -> Cluster:
    cluster = Cluster(seed=seed)
    cluster.is_pre_vote_enabled = dice.random() < 0.4
    steps.start_node(cluster, ["0"])
    names = [str(name) for name in range(1, dice.choice((3, 5)))]
    steps.trust_nodes(cluster, ["2", *names])
    loop_until_sync(cluster)
    return cluster


def _step(cluster: Cluster, dice: Random, names: list[NodeId]) -> None:
    a, b = dice.sample(names, 2)
    node = cluster.nodes[a]
    match dice.choices(range(8), (60, 22, 14, 4, 2, 2, 2, 0.5))[0]:
        case 0:
            _deliver(cluster, dice)
        case 1:
            cluster.tick(node, 10 if node.raft.is_leader else dice.choice(TIMES_MS))
        case 2:
            for writer in cluster.leaders():
                writer.append(b"", is_committable=dice.random() < 0.6)
        case 3:
            cluster.dispatch(node)
        case 4:
            (cluster.disconnect if dice.random() < 0.35 else cluster.connect)(a, b)
        case 5:
            cluster.drop_pending(node, b)
        case 6:
            node.outbox.rotate(1)
        case _:
            _retire(cluster, a)


def _retire(cluster: Cluster, node: NodeId) -> None:
    """Remove a node, unless too few would be left. Nobody comes back."""
    leader = cluster.latest_leader()
    if leader is not None:
        left = leader.raft.replica.configurations.latest - {node}
        if len(left) > 1:
            leader.append(b"", configuration=left)


def _deliver(cluster: Cluster, dice: Random) -> None:
    """Deliver the oldest message of a wire that has any."""
    waiting = sorted({(n.id, to) for n in cluster.nodes.values() for to, _ in n.outbox})
    if waiting:
        source, to = dice.choice(waiting)
        cluster.dispatch_single(cluster.nodes[source], to)


def _recover(cluster: Cluster, names: list[NodeId]) -> None:
    """Heal every wire: before long something new must be committed."""
    for name in names:
        steps.reconnect_node(cluster, [name])
    before = max(node.raft.log.commit_seqno for node in cluster.nodes.values())
    for _ in range(ROUNDS_MAX):
        for node in cluster.nodes.values():
            cluster.tick(node, 10)
        cluster.dispatch_all()
        leader = cluster.latest_leader()
        if leader is not None:
            if leader.raft.log.commit_seqno > before:
                return
            if leader.raft.should_sign or leader.raft.log.last_committable.seqno < (
                max(leader.raft.log.last_seqno, before + 1)
            ):
                leader.append(b"", is_committable=True)
    pytest.fail("no progress after every wire was healed")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_must_hold_holds_in_any_weather(seed: int) -> None:
    dice = Random(seed)
    cluster = _begin(seed, dice)
    history = History()
    names = list(cluster.nodes)
    for _ in range(STEPS):
        _step(cluster, dice, names)
        history.check(cluster)
        for node in cluster.nodes.values():
            check_commit_safety(cluster, node)
    _recover(cluster, names)
    history.check(cluster)
