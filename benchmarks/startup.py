"""How long from a start until a node serves, and until users can write?

The first figure is for a new service of one node: two processes, keys, certificates,
the constitution, the first transaction signed, and ``/node/network`` answered over TLS.
The second figure is the time until an operator's users can write: the node, the
members' votes that open the service, and the answer to a user's first write. The third
is the whole of ``ccfpy sandbox``, from the command until its first write is committed
and the receipt is verified, for three members. The figures are wall-clock time, and the
budget applies to the median. The node's CPU time, which is valid on a crowded machine,
is a further figure.

Budget: 2 s until the node serves, 3 s until a user's write is answered.
"""

import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.harness.figure import Figure
from benchmarks.harness.processes import cpu_s, family
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox
from ccfpy.client.share import constitution
from ccfpy.crypto.ec import Curve
from ccfpy.local.configuration import Placement, ServiceOptions, founder
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.ports import free_ports

BUDGET_S = 2.0
BUDGET_OPEN_S = 3.0
STARTS = 7
GIVE_UP_S = 60.0
POLL_S = 0.005
ASK = b"GET /node/network HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The cost of a start.

    Attributes:
        took_s: the time that passed.
        cpu_s: the CPU time of the node's host and enclave.
    """

    took_s: float
    cpu_s: float

    @classmethod
    def since(cls, started: float, node: NodeProcess) -> Self:
        """Return how long a node took until now, and its processor time."""
        took_s = time.perf_counter() - started
        return cls(took_s=took_s, cpu_s=cpu_s(family([node.pid])))


def options_of(folder: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=folder,
        app="logging",
        program=NODE_PROGRAM,
        curve=Curve.SECP384R1,
        constitution=constitution("default"),
        extra={"ledger_signatures": {"early": True}},
    )


def answer(port: int, context: ssl.SSLContext) -> bytes:
    """Ask once, on a new connection; return nothing if nobody listens yet."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain) as stream,
        ):
            stream.sendall(ASK)
            return b"".join(iter(lambda: stream.recv(4096), b""))
    except (ConnectionError, TimeoutError, ssl.SSLError):
        return b""


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.perf_counter() + GIVE_UP_S
    while not is_so():
        if time.perf_counter() > until:
            raise TimeoutError(f"the node did not serve within {GIVE_UP_S} s")
        time.sleep(POLL_S)


def until_it_serves() -> Start:
    """Return the seconds from the start of a node's process to its first answer."""
    context = ssl.create_default_context()
    context.check_hostname = (
        False  # the time of the answer is the question, not the server's identity
    )
    context.verify_mode = ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder:
        options = options_of(Path(folder))
        ProcessNetwork(options).make_keys(options.members)
        placement = Placement(port=free_ports()[0])
        node = NodeProcess(options, 0, placement)
        node.prepare(founder(options, placement), trusted=None)
        started = time.perf_counter()
        node.start()
        try:
            wait_until(lambda: b'"service_status"' in answer(placement.port, context))
            return Start.since(started, node)
        finally:
            node.stop()


async def until_a_write(folder: Path) -> Start:
    """Return the seconds until a user's write to a new, open service is answered.

    The time begins before anything exists: it includes making the keys of a member and
    a user.
    """
    options = options_of(folder)
    network = ProcessNetwork(options)
    started = time.perf_counter()
    try:
        await network.begin([Placement()])
        await network.open()
        async with network.connect(network.nodes[0], options.users[0]) as user:
            await user.post("/app/log/private", {"id": 1, "msg": "the first"})
        return Start.since(started, network.nodes[0])
    finally:
        network.stop()


def opened() -> Start:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(until_a_write(Path(folder)))


def until_told() -> float:
    """Return the seconds until the sandbox command prints its address.

    By then the command has written and committed a message, and verified its receipt.
    """
    started = time.perf_counter()
    with sandbox():
        return time.perf_counter() - started


def measure(settings: Settings) -> Iterator[Figure]:
    starts = settings.repeats or settings.pick(STARTS, 3)
    for name, once, budget_s in (
        ("a node's process serves", until_it_serves, BUDGET_S),
        ("a service is open and a user's write is answered", opened, BUDGET_OPEN_S),
    ):
        told = [once() for _ in range(starts)]
        yield _figure(name, (each.took_s for each in told), budget_s)
        yield _figure(f"{name}: CPU of the node", (each.cpu_s for each in told), None)
    yield _figure(
        "a sandbox has a write committed and its receipt verified",
        (until_told() for _ in range(starts)),
        BUDGET_OPEN_S,
    )


def _figure(name: str, values: Iterable[float], budget_s: float | None) -> Figure:
    return Figure(
        name=name, unit="s", values=tuple(values), budget=budget_s, scales=True
    )


QUESTION = Question(
    slug="startup",
    text="How long from a start until a node serves, and until users can write?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
