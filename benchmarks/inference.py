"""How much more does a model cost in an enclave than without one?

The two models are one that multiplies three numbers, which costs nothing itself, and
Magika's, which detects the type of a file. Without an enclave, the models run in this
process by the same engine. Then they run in real services. One process asks, and seals
and opens for 16 clients at a time, or for 4 if the model takes long. CPU time is that
of all the service's processes, without the process that asks. The rate of requests is
measured while this process shares the machine.

Budget: 1 ms of CPU for each answer beyond the model's own, on one node.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.inference.client import InferenceClient, registration, upload
from apps.inference.engine import Model
from apps.inference.tensors import Tensor
from benchmarks.harness.asking import Asked
from benchmarks.harness.decided import ONE_MEMBER, connect
from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from ccfpy.client.attested import Expected
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, KeyFiles
from ccfpy.client.opening import carry
from ccfpy.client.share import constitution
from tests.apps.inference_kit import magika_input, magika_model, scaling

BUDGET_US = 1000
SECONDS, QUICK_SECONDS = 4.0, 2.0
WARM_S = 1.0
BARE_S = 1.0
REPEATS, QUICK_REPEATS = 3, 2
NODES = 3
PROGRAM = b"import os\n" * 200
THREE_NUMBERS = {"x": np.ones((1, 3), np.float32)}
VIRTUAL = Expected(allows_virtual=True)
OWN = Path(__file__).parents[1] / "apps/inference/constitution/actions.js"


@dataclass(frozen=True, slots=True)
class Query:
    """A model, and the questions for it."""

    name: str
    model: bytes
    inputs: dict[str, Tensor]
    asking: int

    @property
    def rows(self) -> int:
        """Return the number of rows in one question."""
        (inputs,) = self.inputs.values()
        return len(inputs)

    def bare_us(self) -> float:
        """Return the CPU time of a run in this process."""
        model = Model(self.model)
        model.run(self.inputs)
        runs, begun, ends = 0, time.process_time(), time.monotonic() + BARE_S
        while time.monotonic() < ends:
            model.run(self.inputs)
            runs += 1
        return 1e6 * (time.process_time() - begun) / runs


QUERIES = (
    Query("a multiplication", scaling(), {"x": np.ones((1, 3), np.float32)}, asking=16),
    Query("Magika, 1 file", magika_model(), magika_input(PROGRAM), asking=4),
    Query("Magika, 16 files", magika_model(), magika_input(PROGRAM, 16), asking=4),
)


def options() -> list[str]:
    """Return the configuration with which the service starts."""
    first, *others = constitution("default")
    scripts = [str(path) for path in (first, OWN, *others)]
    words = [word for script in scripts for word in ("--constitution", script)]
    return ["--app", "inference", *ONE_MEMBER, *words]


async def install(service: Service, name: str, content: bytes) -> None:
    """Vote for a model as the member, and bring the model."""
    member = FileSigner.load(KeyFiles(folder=service.common, name="member0"))
    owner = FileSigner.load(KeyFiles(folder=service.common, name="user0"))
    action = registration(
        content, name=name, version=1, uploader=owner.certificate.digest_hex
    )
    async with connect(service, service.port, "user0") as connection:
        await carry([Governance(connection, member)], [action])
        await upload(connection, name, 1, content)


async def ask(
    service: Service, name: str, query: Query, seconds: float, *, on_record: bool
) -> Asked:
    """Ask a model by clients that are spread over the nodes."""
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(query.asking):
            port = service.ports[number % len(service.ports)]
            connection = connect(service, port, "user0")
            await stack.enter_async_context(connection)
            clients.append(InferenceClient(connection, name, VIRTUAL))
        await _load(clients, query.inputs, WARM_S, on_record=on_record)
        before, begun = service.cpu_s(), time.monotonic()
        times = await _load(clients, query.inputs, seconds, on_record=on_record)
        took, spent = time.monotonic() - begun, service.cpu_s() - before
    times.sort()
    return Asked(
        cpu_us=1e6 * spent / len(times),
        per_s=len(times) / took,
        p50_ms=1000 * times[len(times) // 2],
        p99_ms=1000 * times[len(times) * 99 // 100],
    )


async def _load(
    clients: Sequence[InferenceClient],
    inputs: dict[str, Tensor],
    seconds: float,
    *,
    on_record: bool,
) -> list[float]:
    """Run clients that ask again and again; return how long each answer took."""
    ends = time.monotonic() + seconds
    times: list[float] = []

    async def go_on(client: InferenceClient) -> None:
        question = client.record if on_record else client.score
        while (begun := time.monotonic()) < ends:
            await question(inputs)
            times.append(time.monotonic() - begun)

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(go_on(client))
    return times


async def asked(
    service: Service, nodes: int, settings: Settings
) -> AsyncIterator[Figure]:
    """Install the models, and yield the cost of each query."""
    models = {query.model: f"model{i}" for i, query in enumerate(QUERIES)}
    for content, name in models.items():
        await install(service, name, content)
    seconds = settings.seconds or settings.pick(SECONDS, QUICK_SECONDS)
    repeats = settings.repeats or settings.pick(REPEATS, QUICK_REPEATS)
    for query in settings.pick(QUERIES, QUERIES[:2]):
        if nodes > 1 and query.rows > 1:
            continue  # a long run, and those behind it, would begin elections
        name, bare_us = models[query.model], query.bare_us()
        for on_record in (False, True):
            runs = [
                await ask(service, name, query, seconds, on_record=on_record)
                for _ in range(repeats)
            ]
            what = query.name + (", on record" if on_record else "")
            network = "" if nodes == 1 else f", {nodes} nodes"
            is_judged = nodes == 1 and query is QUERIES[0] and not on_record
            for figure in figures(what + network, bare_us, runs, is_judged=is_judged):
                yield figure


def figures(
    what: str, bare_us: float, runs: Sequence[Asked], *, is_judged: bool
) -> Iterator[Figure]:
    """Return the cost of one query, and the service's part of this cost."""
    yield Figure(name=f"{what}: bare CPU", unit="µs", values=(bare_us,), scales=True)
    yield Figure(
        name=f"{what}: CPU beyond",
        unit="µs",
        values=tuple(run.cpu_us - bare_us for run in runs),
        budget=BUDGET_US if is_judged else None,
        held=Held.BEST,
        scales=True,
    )
    yield Figure(
        name=f"{what}: answered",
        unit="a second",
        values=tuple(run.per_s for run in runs),
        better=Better.MORE,
        scales=True,
    )
    for name, times in (
        ("p50", tuple(run.p50_ms for run in runs)),
        ("p99", tuple(run.p99_ms for run in runs)),
    ):
        yield Figure(
            name=f"{what}: latency, {name}", unit="ms", values=times, scales=True
        )


async def _all(service: Service, nodes: int, settings: Settings) -> list[Figure]:
    return [figure async for figure in asked(service, nodes, settings)]


def measure(settings: Settings) -> Iterator[Figure]:
    for nodes in settings.nodes or settings.pick((1, NODES), (1,)):
        with sandbox(nodes, options()) as service:
            yield from asyncio.run(_all(service, nodes, settings))


QUESTION = Question(
    slug="inference",
    text="What does asking a model in an enclave cost beside running it bare?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
