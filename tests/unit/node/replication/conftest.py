"""A service of three nodes that agree."""

import pytest

from ccfpy.testing.network import Network


def all_agree(network: Network) -> bool:
    """Return whether all living nodes have the same ledger, all of it committed."""
    living = [node for node in network.nodes if network.is_alive(node)]
    first = living[0].host
    return all(
        n.host.entries == first.entries and n.host.commit == len(first.entries)
        for n in living
    )


def of_three(network: Network) -> Network:
    """Make an open service of one node one of three nodes that agree."""
    for _ in range(2):
        joiner = network.join()
        network.deliver()
        network.nodes[0].trust(joiner)
        network.wait_until(lambda: all_agree(network))
    return network


@pytest.fixture
def three(network: Network) -> Network:
    """An open service of three nodes that agree."""
    return of_three(network)
