"""What each change of weather cuts, holds or stops."""

from random import Random

import pytest

from ccfpy.base.ids import NodeId
from tests.lab.cluster import weather as changes
from tests.lab.cluster.weather import CHANGES, FASTEST, SLOWEST, Weather

NODES = [NodeId(name) for name in "01234"]
SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_split_is_both_ways(seed: int) -> None:
    weather = Weather()
    changes.split(weather, NODES, 2, Random(seed))
    assert weather.lost
    assert weather.lost == {(b, a) for a, b in weather.lost}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_one_way_cut_is_one_way(seed: int) -> None:
    weather = Weather()
    changes.cut_one_way(weather, NODES, 2, Random(seed))
    assert weather.lost
    assert not weather.lost & {(b, a) for a, b in weather.lost}


def test_on_a_ring_each_node_reaches_two_others() -> None:
    weather = Weather()
    changes.ring(weather, NODES, 2, Random(1))
    for node in NODES:
        assert sum((node, other) not in weather.lost for other in NODES) - 1 == 2


def test_one_node_is_a_bridge() -> None:
    weather = Weather()
    changes.bridge(weather, NODES, 2, Random(1))
    middle = [n for n in NODES if not any(n in link for link in weather.lost)]
    assert len(middle) == 1
    assert weather.lost


def test_one_node_is_alone() -> None:
    weather = Weather()
    changes.isolate(weather, NODES, 2, Random(1))
    assert len(weather.lost) == 2 * (len(NODES) - 1)


def test_a_held_link_delivers_when_its_view_has_come() -> None:
    weather = Weather()
    changes.hold(weather, NODES, 2, Random(1))
    ((link, view),) = weather.held.items()
    assert not weather.is_open(link, view - 1)
    assert weather.is_open(link, view)
    assert weather.is_open((link[1], link[0]), 2)


def test_clogs_come_and_go() -> None:
    weather, dice = Weather(), Random(1)
    sizes = set()
    for _ in range(100):
        changes.swizzle(weather, NODES, 2, dice)
        sizes.add(len(weather.clogged))
        for node in weather.clogged:
            assert not weather.is_open((node, NODES[0]), 9)
            assert not weather.is_open((NODES[0], node), 9)
    assert len(sizes) > 2


def test_a_paused_node_hears_nothing_until_it_goes_on() -> None:
    weather = Weather()
    changes.pause(weather, NODES[:1], 2, Random(1))
    assert not weather.is_open((NODES[1], NODES[0]), 2)
    assert weather.is_open((NODES[0], NODES[1]), 2)
    changes.pause(weather, NODES[:1], 2, Random(1))
    assert weather.is_open((NODES[1], NODES[0]), 2)


def test_clocks_go_at_their_own_pace() -> None:
    weather = Weather()
    assert weather.elapsed_ms(NODES[0], 100) == 100
    changes.bend_clock(weather, NODES[:1], 2, Random(1))
    elapsed_ms = weather.elapsed_ms(NODES[0], 100)
    assert 100 * SLOWEST <= elapsed_ms <= 100 * FASTEST
    assert elapsed_ms != 100


def test_fair_weather_keeps_only_the_clocks() -> None:
    weather, dice = Weather(), Random(1)
    for change, _ in CHANGES[1:]:
        change(weather, NODES, 2, dice)
    changes.clear(weather, NODES, 2, dice)
    assert weather == Weather(rates=weather.rates)
    assert weather.rates


def test_two_nodes_are_enough_for_any_change() -> None:
    for seed in SEEDS:
        for change, _ in CHANGES:
            change(Weather(), NODES[:2], 2, Random(seed))
