"""Consensus under random weather: whatever happens, what must hold holds.

Every run is a function of its seed. A failure names it.
"""

from random import Random

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.testing.scenario import steps
from ccfpy.testing.scenario.assertions import loop_until_sync
from ccfpy.testing.scenario.checks import History, check_commit_safety
from ccfpy.testing.scenario.cluster import Cluster, Node

SEEDS = 60
STEPS = 250
TIMES_MS = (5, 10, 10, 30, 60, 100)


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
    leader = cluster.latest_leader()
    match dice.choices(range(7), (30, 25, 12, 12, 5, 6, 1))[0]:
        case 0:
            cluster.dispatch_single(node, b)
        case 1:
            cluster.tick(node, dice.choice(TIMES_MS))
        case 2:
            for writer in cluster.leaders():
                writer.append(b"", is_committable=dice.random() < 0.5)
        case 3:
            cluster.dispatch(node, 3)
        case 4:
            (cluster.disconnect if dice.random() < 0.5 else cluster.connect)(a, b)
        case 5:
            (cluster.drop_pending if dice.random() < 0.5 else _reorder)(node, b)
        case _ if leader is not None and leader.raft.log.commit_seqno > 3:
            gone = frozenset(dice.sample(names, len(names) // 3))
            leader.append(b"", configuration=frozenset(names) - gone)


def _reorder(node: Node, _: NodeId) -> None:
    node.outbox.rotate(1)


def _recover(cluster: Cluster, names: list[NodeId]) -> None:
    """Heal every wire; a leader must come of it, and everybody must agree with it."""
    for name in names:
        steps.reconnect_node(cluster, [name])
    for _ in range(400):
        for node in cluster.nodes.values():
            cluster.tick(node, 10)
        cluster.dispatch_all()
        leader = cluster.latest_leader()
        if leader is not None and leader.raft.should_sign:
            leader.append(b"", is_committable=True)
    leader = cluster.latest_leader()
    assert leader is not None
    assert leader.raft.log.commit_seqno > 0


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
