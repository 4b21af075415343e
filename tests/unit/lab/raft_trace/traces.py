"""Traces of stories, as logs of nodes would have them."""

from collections import defaultdict
from pathlib import Path

from ccfpy.base.json import JsonObject, loads_object
from tests.lab import scenario
from tests.lab.raft_trace.checking import DROPPED
from tests.lab.raft_trace.reading import function_of, node_of

STORIES = Path(__file__).parents[4] / "tests/scenarios/consensus"
STORY = """
pre_vote_enabled,true
start_node,0
emit_signature,2
trust_nodes,2,1,2
emit_signature,2
periodic_one,0,10
dispatch_all
periodic_one,0,10
drop_pending_to,0,1
dispatch_all
periodic_one,0,10
dispatch_all
periodic_one,0,10
dispatch_all
periodic_one,1,100
dispatch_all
dispatch_all
emit_signature,3
periodic_one,1,10
dispatch_all
"""


def steps_of(story: str) -> list[JsonObject]:
    """Return the steps in a story's trace."""
    lines: list[str] = []
    scenario.run(story, trace=lines.append)
    return [step for line in lines if "msg" in (step := loads_object(line))]


def by_node(steps: list[JsonObject]) -> list[list[JsonObject]]:
    """Return each node's steps; what was lost is nobody's."""
    logs: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for step in steps:
        if function_of(step) != DROPPED:
            logs[node_of(step)].append(step)
    return [*logs.values()]
