"""How many transactions a second does a node recover, private data included?

A node in this process first writes a ledger of private writes, signed after every
thousand. Then another node reads the ledger twice, as after a disaster: once for the
public state, and verifies every signature; and, after the members have submitted their
shares, once more for the private state. The figure is the CPU time of the node alone: a
stand-in for its host has the entries in memory. A further figure is the growth of the
process's memory: the node keeps the state and the tree's data, not the entries that it
read.

Budget: 10,000 transactions a second for both passes together.
"""

import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from benchmarks.harness.figure import Better, Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.step import opened_node, write_request
from ccfpy.base.ids import SessionId
from ccfpy.boundary.effects import AppendLedger, Effect, SendData
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.enclave.application import load_application
from ccfpy.testing.node import START_UNIX_US, Client, InProcessNode
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from ccfpy.testing.surroundings import Remains

BUDGET_PER_S = 10_000
TRANSACTIONS = 50_000
REPEATS = 3


def lost_service(transactions: int) -> tuple[InProcessNode, Remains]:
    """Write a ledger; return the node that wrote it, for its members, and its files."""
    node, clients = opened_node()
    by_session = {client.session: client for client in clients}
    entries = list(node.host.entries)
    raw = write_request()
    while len(entries) < transactions:
        node.now_ms += 100
        unix_us = START_UNIX_US + 1000 * node.now_ms
        for _ in range(10):
            batch = [
                SessionData(session=session, data=client.encrypt(raw))
                for session, client in by_session.items()
            ]
            entries += _entries(node.trusted.step(batch), by_session)
        tick = Tick(monotonic_ms=node.now_ms, unix_us=unix_us)
        entries += _entries(node.trusted.step([tick]), by_session)
    node.host.entries.clear()
    return node, replace(node.remains(), entries=tuple(entries), snapshots={})


def _entries(
    effects: Iterable[Effect], clients: Mapping[SessionId, Client]
) -> Iterable[bytes]:
    for effect in effects:
        if isinstance(effect, AppendLedger):
            yield from effect.entries
        elif isinstance(effect, SendData):
            clients[effect.session].decrypt(effect.data)


def measure(lost: InProcessNode, remains: Remains) -> tuple[float, float]:
    """Return the CPU seconds of the public and of the private part."""
    started = time.process_time()
    node = recover_alone(remains, load_application("logging"), members=lost.members)
    public_s = time.process_time() - started
    ask_for_shares(node)
    for member in lost.members:
        submit_share(node, member)
    started = time.process_time()
    while b'"PartOfNetwork"' not in node.request("GET", "/node/state").body:
        node.advance(100)
    return public_s, time.process_time() - started


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def figures(settings: Settings) -> Iterator[Figure]:
    transactions = settings.pick(TRANSACTIONS, TRANSACTIONS // 5)
    lost, remains = lost_service(transactions)
    before_mib = _peak_mib()
    repeats = settings.repeats or settings.pick(REPEATS, 1)
    runs = [measure(lost, remains) for _ in range(repeats)]
    grown_mib = _peak_mib() - before_mib
    count = len(remains.entries)
    parts = {
        "transactions recovered, public and private state": [sum(run) for run in runs],
        "the public part alone": [run[0] for run in runs],
        "the private part alone": [run[1] for run in runs],
    }
    for number, (name, took_s) in enumerate(parts.items()):
        yield Figure(
            name=name,
            unit="a second",
            values=tuple(count / each for each in took_s),
            better=Better.MORE,
            budget=BUDGET_PER_S if number == 0 else None,
            scales=True,
        )
    yield Figure(
        name=f"memory that {repeats} recoveries of {count:,} took besides the ledger",
        unit="MiB",
        values=(grown_mib,),
    )


QUESTION = Question(
    slug="recovery",
    text="How many transactions a second does a node recover, private data included?",
    measure=figures,
)

if __name__ == "__main__":
    main(QUESTION)
