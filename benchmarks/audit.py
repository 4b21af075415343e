"""How many transactions a second does one core audit, and in how much memory?

A ledger is written first: private writes by a node in this process, signed after every
thousand, in chunks of 5 MB. Then another process reads it as ``ccfpy ledger verify``
would: every frame, write set, digest, Merkle root and signature. CPU time decides.

Budget: 20,000 transactions a second; and memory that does not grow with the ledger,
beyond the leaves that an audit keeps for comparison (``ledger.audit``).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.step import opened_node, write_request
from ccfpy.boundary.effects import AppendEntries, CommitLedger, LedgerEntry, SendData
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.host.ledger_store import LedgerStore
from ccfpy.testing.node import START_UNIX_US

BUDGET_PER_S = 20_000
GROWTH_MIB_MAX = 32
TRANSACTIONS = 150_000
REPEATS = 3
READER = Path(__file__).parent / "harness" / "auditor.py"


class Unread:
    """Lets the store report to nobody."""

    def info(self, message: str, *, file: str) -> None:
        """Take a line."""

    def fail(self, message: str, *, file: str) -> None:
        """Take a failure."""


def write_ledger(directory: Path) -> None:
    node, clients = opened_node()
    store = LedgerStore(directory, report=Unread())
    store.create()
    store.append(1, [LedgerEntry(data=data) for data in node.host.entries])
    raw = write_request()
    while store.last_seqno < TRANSACTIONS:
        node.now_ms += 100
        unix_us = START_UNIX_US + 1000 * node.now_ms
        by_session = {client.session: client for client in clients}
        for _ in range(10):
            batch = [
                SessionData(session=session, data=client.encrypt(raw))
                for session, client in by_session.items()
            ]
            for effect in node.trusted.step(batch):
                if isinstance(effect, AppendEntries):
                    store.append(effect.first_seqno, effect.entries)
                elif isinstance(effect, SendData):
                    by_session[effect.session].decrypt(effect.data)
        for effect in node.trusted.step(
            [Tick(monotonic_ms=node.now_ms, unix_us=unix_us)]
        ):
            if isinstance(effect, AppendEntries):
                store.append(effect.first_seqno, effect.entries)
            elif isinstance(effect, CommitLedger):
                store.commit(effect.seqno)
    store.close()


def measure(directory: Path) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(READER), str(directory)],
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "ledger"
        write_ledger(directory)
        runs = [measure(directory) for _ in range(REPEATS)]
    runs.sort(key=lambda run: run["cpu_s"])
    rates = [run["transactions"] / run["cpu_s"] for run in runs]
    growth_mib = max(run["peak_mib"] - run["first_chunk_mib"] for run in runs)
    print(
        f"audited: {runs[0]['transactions']:.0f} transactions in "
        f"{runs[0]['chunks']:.0f} chunks, {rates[len(rates) // 2]:.0f} a second "
        f"({rates[-1]:.0f} to {rates[0]:.0f}), budget {BUDGET_PER_S}"
    )
    print(
        f"memory: {runs[0]['first_chunk_mib']:.0f} MiB after the first chunk, "
        f"{growth_mib:.0f} MiB more at most, budget {GROWTH_MIB_MAX}"
    )
    return 0 if rates[0] >= BUDGET_PER_S and growth_mib <= GROWTH_MIB_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
