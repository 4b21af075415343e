"""Real nodes write traces of consensus, and their logs make one trace together."""

import asyncio
from pathlib import Path

from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.lab.raft_trace.__main__ import gather
from tests.lab.raft_trace.checking import FUNCTIONS
from tests.lab.raft_trace.reading import function_of, node_of


async def _lose_a_primary(workspace: Path) -> list[Path]:
    options = ServiceOptions(
        workspace=workspace,
        app="logging",
        constitution=constitution("default"),
        program=NODE_PROGRAM,
        extra={"consensus": {"trace": True}},
    )
    network = ProcessNetwork(options)
    try:
        await network.begin([Placement()] * 3)
        await network.open()
        lost = await network.primary()
        lost.kill()
        found = await network.primary(other_than=lost)
        async with network.connect(found) as anybody:
            committed = await anybody.get("/node/commit")
        assert not committed.is_error
    finally:
        network.stop()
    return [node.log for node in network.nodes]


def test_three_nodes_that_lose_a_primary_leave_a_sound_trace(tmp_path: Path) -> None:
    # What is gathered is checked: every step's form, each node's progress, and that
    # what is received was sent before, in that order.
    trace = gather(asyncio.run(_lose_a_primary(tmp_path)))
    functions = {function_of(step) for step in trace}
    assert functions <= FUNCTIONS | {"bootstrap"}
    assert functions >= {
        "bootstrap",
        "add_configuration",
        "replicate",
        "send_append_entries",
        "recv_append_entries",
        "execute_append_entries_sync",
        "send_append_entries_response",
        "recv_append_entries_response",
        "commit",
        "become_pre_vote_candidate",
        "send_request_vote",
        "recv_request_vote",
        "recv_request_vote_response",
        "become_candidate",
        "become_leader",
    }
    assert {node_of(step) for step in trace} == {"0", "1", "2"}
