"""The effect of each change of the faults: to cut, to hold or to stop."""

from random import Random

import pytest

from ccfpy.base.ids import NodeId
from tests.lab.cluster import faults as changes
from tests.lab.cluster.faults import CHANGES, FASTEST, SLOWEST, Faults

NODES = [NodeId(name) for name in "01234"]
SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_split_is_both_ways(seed: int) -> None:
    faults = Faults()
    changes.split(faults, NODES, 2, Random(seed))
    assert faults.lost
    assert faults.lost == {(b, a) for a, b in faults.lost}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_one_way_cut_is_one_way(seed: int) -> None:
    faults = Faults()
    changes.cut_one_way(faults, NODES, 2, Random(seed))
    assert faults.lost
    assert not faults.lost & {(b, a) for a, b in faults.lost}


def test_on_a_ring_each_node_reaches_two_others() -> None:
    faults = Faults()
    changes.ring(faults, NODES, 2, Random(1))
    for node in NODES:
        assert sum((node, other) not in faults.lost for other in NODES) - 1 == 2


def test_one_node_is_a_bridge() -> None:
    faults = Faults()
    changes.bridge(faults, NODES, 2, Random(1))
    middle = [n for n in NODES if not any(n in link for link in faults.lost)]
    assert len(middle) == 1
    assert faults.lost


def test_one_node_is_alone() -> None:
    faults = Faults()
    changes.isolate(faults, NODES, 2, Random(1))
    assert len(faults.lost) == 2 * (len(NODES) - 1)


def test_a_held_link_delivers_when_its_view_has_come() -> None:
    faults = Faults()
    changes.hold(faults, NODES, 2, Random(1))
    ((link, view),) = faults.held.items()
    assert not faults.is_open(link, view - 1)
    assert faults.is_open(link, view)
    assert faults.is_open((link[1], link[0]), 2)


def test_clogs_come_and_go() -> None:
    faults, dice = Faults(), Random(1)
    sizes = set()
    for _ in range(100):
        changes.swizzle(faults, NODES, 2, dice)
        sizes.add(len(faults.clogged))
        for node in faults.clogged:
            assert not faults.is_open((node, NODES[0]), 9)
            assert not faults.is_open((NODES[0], node), 9)
    assert len(sizes) > 2


def test_a_paused_node_hears_nothing_until_it_goes_on() -> None:
    faults = Faults()
    changes.pause(faults, NODES[:1], 2, Random(1))
    assert not faults.is_open((NODES[1], NODES[0]), 2)
    assert faults.is_open((NODES[0], NODES[1]), 2)
    changes.pause(faults, NODES[:1], 2, Random(1))
    assert faults.is_open((NODES[1], NODES[0]), 2)


def test_clocks_go_at_their_own_pace() -> None:
    faults = Faults()
    assert faults.elapsed_ms(NODES[0], 100) == 100
    changes.bend_clock(faults, NODES[:1], 2, Random(1))
    elapsed_ms = faults.elapsed_ms(NODES[0], 100)
    assert 100 * SLOWEST <= elapsed_ms <= 100 * FASTEST
    assert elapsed_ms != 100


def test_when_faults_end_only_the_clocks_stay() -> None:
    faults, dice = Faults(), Random(1)
    for change, _ in CHANGES[1:]:
        change(faults, NODES, 2, dice)
    changes.clear(faults, NODES, 2, dice)
    assert faults == Faults(rates=faults.rates)
    assert faults.rates


def test_two_nodes_are_enough_for_any_change() -> None:
    for seed in SEEDS:
        for change, _ in CHANGES:
            change(Faults(), NODES[:2], 2, Random(seed))
