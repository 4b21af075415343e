"""How runs begin: ordinary services, and places where mistakes were found before.

An opening is text in the scenario language, for a service in view 2 that node 0 leads.
It leaves messages under way where that matters.
"""

from collections.abc import Iterator

from tests.lab.cluster.consensus.stage import Words

TWO_CANDIDATES = """
emit_signature,2
periodic_one,0,10
drop_pending_to,0,2
dispatch_one,0
drop_pending_to,1,0
periodic_one,1,100
periodic_one,2,100
"""
"""Two nodes stand for one view, one of them behind by a signature."""

OLD_BRANCH = """
replicate,2,lost
emit_signature,2
periodic_one,0,10
drop_pending,0
periodic_one,1,100
drop_pending_to,1,0
dispatch_one,1
dispatch_one,2
replicate,3,kept
emit_signature,3
periodic_one,1,10
drop_pending_to,1,0
"""
"""An old leader has signed what nobody else has; the new view goes on without it."""

STALE_ANSWERS = """
periodic_one,0,10
periodic_one,0,10
dispatch_one,0
replicate,2,more
emit_signature,2
periodic_one,0,10
dispatch_single,0,1
periodic_one,1,100
"""
"""Acknowledgements of an old view are under way when the next one begins."""

UNSIGNED_TAIL = """
replicate,2,unsigned
periodic_one,0,10
dispatch_single,0,1
drop_pending,0
periodic_one,1,100
dispatch_one,1
"""
"""A node with an unsigned entry asks for votes."""

LEADER_GOES = """
replicate_new_configuration,2,1,2
emit_signature,2
periodic_one,0,10
dispatch_single,0,1
dispatch_one,1
"""
"""The leader writes its own retirement, which is under way."""

ALL_GO = """
create_new_node,3
reconnect_node,3
create_new_node,4
reconnect_node,4
create_new_node,5
reconnect_node,5
replicate_new_configuration,2,3,4,5
emit_signature,2
periodic_one,0,10
dispatch_single,0,3
dispatch_single,0,4
"""
"""Every node is replaced at once; both sides count."""

ALMOST_GONE = """
replicate_new_configuration,2,1,2
emit_signature,2
periodic_one,0,10
dispatch_one,0
dispatch_one,1
dispatch_one,2
periodic_one,0,10
dispatch_one,0
"""
"""The leader's retirement is complete, unless some have not heard of it."""

BURST = """
replicate,2,a
replicate,2,b
replicate,2,c
replicate,2,d
replicate,2,e
emit_signature,2
periodic_one,0,10
dispatch_single,0,1
drop_pending_to,0,1
dispatch_one,1
"""
"""Of many messages one node got the first."""

OPENINGS = (
    TWO_CANDIDATES,
    OLD_BRANCH,
    STALE_ANSWERS,
    UNSIGNED_TAIL,
    LEADER_GOES,
    ALL_GO,
    ALMOST_GONE,
    BURST,
)


def lines_of(opening: str) -> Iterator[Words]:
    """Read an opening."""
    for line in opening.split():
        yield tuple(line.split(","))
