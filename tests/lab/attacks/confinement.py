"""Attacks by an application that keeps a way out of its closed process.

A node with such an application must refuse to run, and say what it found.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ccfpy.client.errors import ClientError
from ccfpy.local.configuration import Placement
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeFailed
from tests.lab.attacks import opener
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend

WAYS_OUT = ("descriptor", "mapping")


async def ways_out(target: Target, spend: Spend) -> Sequence[str]:
    """Start a node of its own whose application opened a file on import."""
    breaches: list[str] = []
    for way in WAYS_OUT:
        refusal = await _start(target, way)
        if refusal is None:
            breaches.append(f"a node runs whose app keeps a {way} of a file")
        elif "ccfpy-way-out" not in refusal:
            breaches.append(f"the refusal of a {way} does not name the file: {refusal}")
    spend.connections += len(WAYS_OUT)
    return breaches


async def _start(target: Target, way: str) -> str | None:
    """Return a node's last words if it refuses to run; None if it runs."""
    options = replace(
        target.network.options,
        workspace=target.folder / way,
        common=None,
        app=opener.__file__,
        program=("env", f"CCFPY_WAY_OUT={way}", *NODE_PROGRAM),
        members=("member0",),
        users=(),
        has_http2=False,
    )
    network = ProcessNetwork(options)
    try:
        await network.begin([Placement()])
        (node,) = network.nodes
        async with network.connect(node) as anybody:
            await anybody.request("GET", "/app/tell/secret")
    except (NodeFailed, ClientError) as error:
        return str(error)
    else:
        return None
    finally:
        await asyncio.to_thread(network.stop)


ATTACKS = (
    Attack(
        name="ways-out",
        family=Family.CONFINEMENT,
        about="an app keeps a descriptor, or a mapping, of a file it opened on import",
        perform=ways_out,
    ),
)
