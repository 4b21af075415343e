"""The arithmetic of majorities, alone, so that a proof fits on a screen.

Two majorities of one set share a node. That is all consensus rests on, so nothing here
knows of nodes' roles, views or time.
"""

from collections.abc import Collection, Iterable, Sequence

from ccfpy.base.ids import NodeId, Seqno


def quorum_size(nodes: int) -> int:
    """Return the least number of ``nodes`` that is more than half of them."""
    return nodes // 2 + 1


def is_quorum(some: Collection[NodeId], of: frozenset[NodeId]) -> bool:
    """Return whether ``some`` include a majority ``of`` a set; no other counts."""
    return len(of.intersection(some)) >= quorum_size(len(of))


def is_quorum_of_each(
    some: Collection[NodeId], configurations: Iterable[frozenset[NodeId]]
) -> bool:
    """Return whether ``some`` include a majority of *each* configuration.

    Never of their union: a reconfiguration may replace every node, and a majority of
    the union need not meet a majority of either side.
    """
    return all(is_quorum(some, nodes) for nodes in configurations)


def agreed_seqno(held: Sequence[Seqno]) -> Seqno:
    """Return the highest seqno that a majority holds, from what each node holds.

    Without nodes there is no agreement.
    """
    return sorted(held)[(len(held) - 1) // 2] if held else 0
