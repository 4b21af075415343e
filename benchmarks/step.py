"""How much does one write cost the trusted node alone, without sockets or processes?

A whole node runs in this thread: TLS, HTTP, authentication, the KV, sealing and the
Merkle tree, with the boundary's frames decoded and encoded. In contrast to
``requests.py``, the host and the system calls are missing.

Budget: 40 µs. The number of instructions is a further figure, if the machine can count
them: it is valid on a crowded machine and on another machine.
"""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from benchmarks.harness.figure import Figure, Held
from benchmarks.harness.instructions import Instructions
from benchmarks.harness.question import Question, Settings, main
from ccfpy.boundary.effects import SendData
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.boundary.wire import EFFECTS, EVENTS
from ccfpy.client.bundle import read_bundle
from ccfpy.client.share import constitution
from ccfpy.enclave.application import load_application
from ccfpy.http.messages import Request, serialise_request
from ccfpy.testing.node import START_UNIX_US, Client, InProcessNode, Person

BUDGET_US = 40
CONNECTIONS = 100
WRITES = 4000
SIGNATURE_EVERY = 1500

NodeT = TypeVar("NodeT", bound=InProcessNode)


def opened_node() -> tuple[InProcessNode, list[Client]]:
    return opened_node_of(InProcessNode)


def opened_node_of(
    kind: type[NodeT], scripts: Path | None = None
) -> tuple[NodeT, list[Client]]:
    """Open a service of the logging app, or of an app in JavaScript in a folder."""
    user = Person.make("user")
    node = kind(
        load_application("logging" if scripts is None else "js_generic"),
        constitution="\n".join(
            script.read_text() for script in constitution("default")
        ),
        members=[Person.make("member", can_recover=True)],
    )
    node.open_service(user)
    if scripts is not None:
        node.propose(read_bundle(scripts).action())
    return node, [node.connect(user) for _ in range(CONNECTIONS)]


def spent_us(
    node: InProcessNode, clients: list[Client], raw: bytes, instructions: Instructions
) -> float:
    """Return the microseconds that a write took, on average."""
    spent = 0
    for i in range(WRITES):
        client = clients[i % CONNECTIONS]
        data = client.encrypt(raw)
        frame = EVENTS.encode([SessionData(session=client.session, data=data)])
        with instructions:
            started = time.thread_time_ns()
            effects = node.trusted.step(EVENTS.decode(frame[4:]))
            EFFECTS.encode(effects)
            spent += time.thread_time_ns() - started
        for effect in effects:
            if isinstance(effect, SendData):
                client.decrypt(effect.data)
        if i % SIGNATURE_EVERY == 0:
            node.now_ms += 100
            unix_us = START_UNIX_US + 1000 * node.now_ms
            node.trusted.step([Tick(monotonic_ms=node.now_ms, unix_us=unix_us)])
    return spent / WRITES / 1000


def write_request(record_id: int = 42) -> bytes:
    request = Request(
        method="POST",
        path="/app/log/private",
        headers={"host": "service", "content-type": "application/json"},
        body=b'{"id": %d, "msg": "%b"}' % (record_id, b"x" * 40),
    )
    return serialise_request(request)


def read_request(record_id: int) -> bytes:
    return b"GET /app/log/private?id=%d HTTP/1.1\r\nhost: service\r\n\r\n" % record_id


def measure(settings: Settings) -> Iterator[Figure]:
    node, clients = opened_node()
    raw = write_request()
    gc.collect()
    gc.freeze()
    instructions = Instructions()
    repeats = settings.repeats or settings.pick(5, 3)
    yield Figure(
        name="a write in the trusted node alone, one to a step, CPU",
        unit="µs",
        values=tuple(
            spent_us(node, clients, raw, instructions) for _ in range(repeats)
        ),
        budget=BUDGET_US,
        held=Held.BEST,
        scales=True,
    )
    count = instructions.take()
    if count is not None:
        yield Figure(
            name="instructions of a write",
            unit="thousand",
            values=(count / repeats / WRITES / 1000,),
        )


QUESTION = Question(
    slug="step",
    text="What does one write cost the trusted node alone?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
