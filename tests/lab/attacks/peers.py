"""Attacks by a node that the service trusts: see ``traitor``.

Consensus does not withstand a dishonest primary: it may stop a service, and begin as
many views as it likes. What it must not do is end other nodes' processes. So it has a
service of its own here, whose honest nodes are watched.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.traitor import DONE

TRAITOR_PROGRAM = (sys.executable, "-m", "tests.lab.attacks.traitor")
DEEDS_TIMEOUT_S = 30.0
HEARD_S = 2.0
"""How long the honest nodes have to handle the traitor's last deed."""
POLL_S = 0.1


async def traitor(target: Target, spend: Spend) -> Sequence[str]:
    """Lead two honest nodes by a traitor, and report which of them end."""
    options = replace(
        target.network.options,
        workspace=target.folder / "service",
        common=None,
        members=("member0",),
        users=(),
        has_http2=False,
    )
    network = ProcessNetwork(options)
    try:
        await network.begin(
            [Placement(program=TRAITOR_PROGRAM), Placement(), Placement()]
        )
        leader, *honest = network.nodes
        await network.open()
        spend.connections += len(honest)
        is_done = await _wait_done(leader, honest)
        await asyncio.sleep(HEARD_S)
        breaches = [
            f"{node.name} ended: {node.last_words()}"
            for node in honest
            if not node.is_alive
        ]
        if not is_done and not breaches:
            breaches.append("the traitor did not come to its end")
        return breaches
    finally:
        await asyncio.to_thread(network.stop)


async def _wait_done(leader: NodeProcess, honest: Sequence[NodeProcess]) -> bool:
    """Wait until the traitor's deeds are done, or an honest node ends."""
    deadline_s = time.monotonic() + DEEDS_TIMEOUT_S
    while DONE not in leader.log.read_text(errors="replace"):
        is_lost = any(not node.is_alive for node in honest)
        if is_lost or time.monotonic() > deadline_s:
            return False
        await asyncio.sleep(POLL_S)
    return True


ATTACKS = (
    Attack(
        name="traitor",
        family=Family.PEERS,
        about="a trusted primary writes and says what no honest node would",
        perform=traitor,
    ),
)
