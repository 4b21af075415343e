"""How soon a ledger of many transactions can be read on the page."""

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.page.timing import DEADLINE_MS, browsing, timed
from benchmarks.harness.processes import resident_mib
from benchmarks.ledger_index import KEY, KEYS, MAP, SIGNED_EVERY, VALUE_BYTES
from benchmarks.ledger_index import run as run_program
from tests.e2e.console.pages import go, opened, see
from tests.e2e.running import children

TRANSACTIONS = 1_000_000
HELD_BACK = 2
"""Files that come after the ledger was indexed: a chunk, and the open one."""
JUMPS = 10
SCROLL_MS = 4000
FRAMES_PER_S = 58
"""Of 60: the clock of a browser without a screen is no exact one."""
KIB_PER_MIB = 1024
SCROLL = """(ms) => new Promise((resolve) => {
    const list = document.querySelector(".list");
    const beyond = list.scrollHeight - list.clientHeight;
    const times = [];
    const step = (now) => {
        times.push(now);
        const part = (now - times[0]) / ms;
        list.scrollTop = Math.min(1, part) * beyond;
        if (part < 1) requestAnimationFrame(step);
        else resolve(times);
    };
    requestAnimationFrame(step);
})"""
"""Goes from the first transaction to the last, and returns when each frame came."""


def measure_ledger(transactions: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, ledger = folder / "whole", folder / "ledger"
        run_program(
            "ledgers", whole, transactions, SIGNED_EVERY, MAP, KEYS, VALUE_BYTES
        )
        files = sorted(whole.iterdir(), key=lambda path: first_seqno(path.name))
        ledger.mkdir()
        for path in files[:-HELD_BACK]:
            path.rename(ledger / path.name)
        began = time.monotonic()
        with (
            offline(folder, ledger) as (address, pid),
            browsing() as browser,
            opened(browser, address) as page,
        ):
            yield from measure_explorer(page, pid, files[-HELD_BACK:], ledger, began)


def first_seqno(name: str) -> int:
    return int(name.removeprefix("ledger_").partition("-")[0].partition(".")[0])


@contextmanager
def offline(folder: Path, ledger: Path) -> Iterator[tuple[str, int]]:
    """Run a console that reads a ledger and no service; yield address and process."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "ccfpy.cli.main", "console", "--ledger", str(ledger)],
        cwd=folder,
        env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.send_signal(signal.SIGINT)


def measure_explorer(
    page: Page, pid: int, later: Sequence[Path], ledger: Path, began: float
) -> Iterator[Figure]:
    """Measure from ``began``, when the console was not started yet."""
    peaks: list[float] = []
    headline = page.locator("h1")
    while "verified" not in (headline.text_content(timeout=DEADLINE_MS) or ""):
        peaks.append(memory_mib(pid))
        assert time.monotonic() - began < DEADLINE_MS / 100, headline.text_content()
        time.sleep(0.1)
    indexed_s = time.monotonic() - began
    last = int(page.locator(".list table").get_attribute("aria-rowcount") or 0) - 1
    yield Figure(
        name="transactions indexed, from the console's start until the page says "
        "verified",
        unit="a second",
        values=(last / indexed_s,),
        better=Better.MORE,
        budget=TRANSACTIONS / 90,
        scales=True,
    )
    yield Figure(
        name="memory of the console's processes together, at most",
        unit="MiB",
        values=(max([*peaks, memory_mib(pid)]),),
        budget=300,
        held=Held.WORST,
    )
    page.wait_for_timeout(500)
    times: list[float] = page.evaluate(SCROLL, SCROLL_MS)
    frames = [after - before for before, after in itertools.pairwise(times)]
    yield Figure(
        name="scrolling from the first transaction to the last, frames",
        unit="a second",
        values=(1000 * len(frames) / (times[-1] - times[0]),),
        better=Better.MORE,
        budget=FRAMES_PER_S,
    )
    yield Figure(
        name="and the slowest of twenty frames takes",
        unit="ms",
        values=(statistics.quantiles(frames, n=20)[-1],),
    )
    yield Figure(
        name="any transaction, asked for by its number",
        unit="s",
        values=tuple(
            jump(page, last * (each + 1) // (JUMPS + 1)) for each in range(JUMPS)
        ),
        budget=0.3,
        held=Held.WORST,
    )
    yield from measure_history(page)
    yield measure_growth(page, later, ledger, last)
    yield Figure(
        name="the page's memory of its own, at the end",
        unit="MiB",
        values=(page_mib(page),),
        budget=150,
        held=Held.WORST,
    )


def memory_mib(pid: int) -> float:
    """Return the memory of a process and of those that it started."""
    try:
        return resident_mib(pid) + sum(map(memory_mib, children(pid)))
    except OSError:
        return 0.0


def page_mib(page: Page) -> float:
    """Return the private memory of the process that draws the page."""
    session = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    told = session.send("SystemInfo.getProcessInfo")
    session.detach()
    return max(
        private_mib(each["id"])
        for each in told["processInfo"]
        if each["type"] == "renderer"
    )


def private_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(sizes) / KIB_PER_MIB


def jump(page: Page, seqno: int) -> float:
    page.get_by_label("Go to a transaction").fill(str(seqno))
    return timed(
        lambda: page.get_by_role("button", name="Go").click(),
        lambda: see(page, f"Transaction 2.{seqno} "),
    )


def measure_history(page: Page) -> Iterator[Figure]:
    key = str(KEY).encode().hex()
    place = f"/ledger/key/{MAP.replace(':', '%3A')}/{key}"
    taken = []
    for _ in range(3):
        go(page, "/ledger")
        see(page, "Transactions 1 to")
        taken.append(
            timed(lambda: go(page, place), lambda: see(page, "History of a key"))
        )
        expect(page.locator(".write").first).to_be_visible()
    yield Figure(
        name="a key's history, on the page", unit="s", values=tuple(taken), budget=1
    )
    asked = json.dumps(f"/api/history?map={MAP.replace(':', '%3A')}&key={key}")
    script = f"""async () => {{
        const token = sessionStorage.getItem("ccfpy-token");
        const headers = {{ authorization: `Bearer ${{token}}` }};
        const began = performance.now();
        await (await fetch({asked}, {{ headers }})).json();
        return performance.now() - began;
    }}"""
    yield Figure(
        name="a key's history, as the server answers",
        unit="ms",
        values=tuple(page.evaluate(script) for _ in range(10)),
        budget=50,
    )


def measure_growth(
    page: Page, later: Sequence[Path], ledger: Path, last: int
) -> Figure:
    """Bring the chunks that were held back, and wait for their transactions."""
    go(page, "/ledger")
    see(page, f"of {last:,}")
    committed_chunk = later[0]

    def grown() -> None:
        table = page.locator(".list table")
        expect(table).not_to_have_attribute(
            "aria-rowcount", str(last + 1), timeout=DEADLINE_MS
        )
        expect(page.locator("h1")).to_contain_text("transactions verified")

    took = timed(lambda: committed_chunk.rename(ledger / committed_chunk.name), grown)
    return Figure(
        name="new transactions, after their chunk is there",
        unit="s",
        values=(took,),
        budget=3,
    )
