"""An attack on etcd's interface: one user sorts all keys, often and at once.

The service is one of its own, of one node with the application that serves etcd's
clients. The honest client is another user, who puts keys meanwhile.
"""

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Bounds, Spend, percentile

APP = "etcd"
RANGES = 24
KEYS = 2000
PER_CALL = 100
VALUE = "v" * 100
ALONE_PUTS = 50
PAUSE_S = 0.02
PUT_P99_MAX_S = 0.5
"""By how much longer 99 of 100 puts may take than the slowest did before."""
TIMEOUT_S = 90.0
BESIDE_MAX_S = 4.0
"""For the clients of the other service, which shares the processors."""
PUT, RANGE, TXN = "/v3/kv/put", "/v3/kv/range", "/v3/kv/txn"
OK, REFUSED = 200, 503


def text(value: str) -> str:
    """Return a text as JSON's form of etcd's messages has bytes."""
    return base64.b64encode(value.encode()).decode()


EVERYTHING: JsonObject = {
    "key": text("\0"),
    "range_end": text("\0"),
    "sort_target": "VALUE",
    "sort_order": "DESCEND",
    "serializable": True,
}


@dataclass
class Puts:
    """How the honest client fares.

    Attributes:
        times_s: how long each put took.
        failures: what was answered to puts that failed.
    """

    times_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def put(self, user: Connection) -> None:
        """Put a key."""
        begin_s = time.monotonic()
        fields: JsonObject = {"key": text("honest"), "value": text("x")}
        try:
            reply = await user.request("POST", PUT, json=fields)
        except ClientError as error:
            self.failures.append(str(error))
        else:
            if reply.status != OK:
                self.failures.append(f"{reply.status} {reply.text}")
        self.times_s.append(time.monotonic() - begin_s)


async def ranges(target: Target, spend: Spend) -> Sequence[str]:
    """Sort all keys as one user, while another puts some."""
    options = replace(
        target.network.options,
        workspace=target.folder / "service",
        app=APP,
        common=None,
        members=("member0",),
        users=("user0", "honest"),
        has_http2=False,
    )
    network = ProcessNetwork(options)
    try:
        await network.begin([Placement()])
        await network.open()
        async with network.connect(network.nodes[0], "honest") as honest:
            return await _sort_beside(network, honest, spend)
    finally:
        await asyncio.to_thread(network.stop)


async def _sort_beside(
    network: ProcessNetwork, honest: Connection, spend: Spend
) -> Sequence[str]:
    await _fill(honest)
    alone, beside = Puts(), Puts()
    for _ in range(ALONE_PUTS):
        await alone.put(honest)
        await asyncio.sleep(PAUSE_S)
    view = await _view(honest)
    spend.connections += RANGES

    async def sort() -> int:
        node = network.nodes[0]
        async with network.connect(node, "user0", timeout_s=TIMEOUT_S) as user:
            return (await user.request("POST", RANGE, json=EVERYTHING)).status

    async with asyncio.TaskGroup() as group:
        sorting = [group.create_task(sort()) for _ in range(RANGES)]
        while not all(each.done() for each in sorting):
            await beside.put(honest)
            await asyncio.sleep(PAUSE_S)
    statuses = [each.result() for each in sorting]
    return judge(alone, beside, statuses, elections=await _view(honest) - view)


def judge(
    alone: Puts, beside: Puts, statuses: Sequence[int], *, elections: int
) -> Sequence[str]:
    """Return what one user did to another, each in a sentence."""
    breaches = []
    failures = [*alone.failures, *beside.failures]
    if failures:
        breaches.append(f"{len(failures)} puts failed: {failures[0]}")
    p99_s = percentile(beside.times_s, 0.99)
    most_s = max(alone.times_s) + PUT_P99_MAX_S
    if p99_s > most_s:
        breaches.append(
            f"one in a hundred puts took {p99_s:.3f} s of at most {most_s:.3f} s"
        )
    if elections:
        breaches.append(f"{elections} elections")
    if not set(statuses) <= {OK, REFUSED} or OK not in statuses:
        breaches.append(f"ranges were answered with {sorted(set(statuses))}")
    return breaches


async def _fill(user: Connection) -> None:
    for first in range(0, KEYS, PER_CALL):
        puts: list[JsonObject] = [
            {"request_put": {"key": text(f"{number:06}"), "value": text(VALUE)}}
            for number in range(first, first + PER_CALL)
        ]
        fields: JsonObject = {"success": [*puts]}
        reply = await user.request("POST", TXN, json=fields)
        reply.raise_for_error()


async def _view(anybody: Connection) -> int:
    view = (await anybody.get("/node/network")).object().get("current_view")
    assert isinstance(view, int), "a node that serves knows its view"
    return view


ATTACKS = (
    Attack(
        name="ranges",
        family=Family.SLOW_CALLS,
        about=f"a user of etcd's interface sorts {KEYS} keys {RANGES} times at once",
        perform=ranges,
        bounds=Bounds(answer_max_s=BESIDE_MAX_S),
        is_quick=False,
    ),
)
