"""How soon does the console's page show what its readers wait for?

A real service, `ccfpy console` and Chromium. A member opens a proposal that changes 12
of an app's 40 modules (800 KB) and votes. A proposal that would fail when it is carried
out is opened twice. An operator watches three nodes while the primary's process is
stopped, so that it takes connections and answers nothing, and another primary's process
is killed. An auditor waits for a ledger of a million transactions to be indexed, goes
through all of it, and asks for a key. A proposal's text is a line of 900 KB.

Budgets: a page is complete in 1 s, a vote committed in 2 s, a what-if answered in
0.2 s. A killed node is shown in 2 s, a silent one in 3 s, the next primary 1 s after it
answers. A million transactions are indexed in 90 s, with 300 MiB for the console and
150 MiB for the page; a key's history comes in 1 s (the server's part: 50 ms), any
transaction in 0.3 s. The list scrolls at 60 frames a second; new rows come 3 s after
their chunk, at the latest. Nothing freezes the page for 200 ms.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.processes import resident_mib
from benchmarks.harness.question import Question, Settings, main
from benchmarks.ledger_index import KEY, KEYS, MAP, SIGNED_EVERY, VALUE_BYTES
from benchmarks.ledger_index import run as run_program
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.governance import Governance
from ccfpy.client.share import constitution
from ccfpy.client.survey import LEADER, Survey, survey
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.console.pages import apart, console, go, opened, propose, see, signer
from tests.e2e.running import Running, children, running_node

CHROMIUM = shutil.which("chromium")
DEADLINE_MS = 120_000
MODULES, MODULE_BYTES, CHANGED = 40, 20_000, 12
OPENED = 2
"""Endpoints whose policies change."""
TRANSACTIONS = 1_000_000
HELD_BACK = 2
"""Files that come after the ledger was indexed: a chunk, and the open one."""
LINE_BYTES = 900_000
NODE_TIMEOUT_S = 0.5
LEADS = "… leads"
"""In the page's headline, behind the name of the node that leads."""
JUMPS = 10
SCROLL_MS = 4000
FRAMES_PER_S = 58
"""Of 60: the clock of a browser without a screen is no exact one."""
KIB_PER_MIB = 1024

LONG_TASKS = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const each of list.getEntries())
            window.longest = Math.max(window.longest, each.duration);
    }).observe({ type: "longtask", buffered: true });
}"""
"""Keeps how long the page was busy at a stretch."""

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

ROWS_SEEN = """() => {
    window.seen = [];
    const look = () => window.seen.push(
        [...document.querySelectorAll("tbody tr")].map((row) => row.textContent));
    new MutationObserver(look).observe(
        document.querySelector("main"),
        { subtree: true, childList: true, characterData: true });
}"""
"""Keeps what the page said of the nodes."""


def measure(settings: Settings) -> Iterator[Figure]:
    if CHROMIUM is None:
        return
    yield from measure_proposals()
    yield from measure_network(settings.pick(3, 1))
    yield from measure_ledger(settings.pick(TRANSACTIONS, 100_000))


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start Chromium, whose loop runs in this thread from then on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def app_action(*, changed: int, modules: int = MODULES) -> JsonObject:
    """Return an action that installs an app of many modules and two endpoints."""
    endpoints: dict[str, Json] = {}
    for number in range(modules):
        policy = "no_auth" if changed and number < OPENED else "user_cert"
        endpoints[f"/part/{number}"] = {
            "get": {
                "js_module": f"part{number}.js",
                "js_function": "read",
                "authn_policies": [policy],
                "mode": "readonly",
                "forwarding_required": "never",
                "openapi": {},
            }
        }
    sources: list[Json] = [
        {"name": f"part{number}.js", "module": source(number, number < changed)}
        for number in range(modules)
    ]
    bundle: Json = {"metadata": {"endpoints": endpoints}, "modules": sources}
    return {"name": "set_js_app", "args": {"bundle": bundle}}


def source(number: int, is_changed: bool) -> str:
    """Return a module's text; one line of forty differs if it is changed."""
    head = "export function read (request) { return { body: part }; }\n"
    lines = [
        f"const line{line} = {line if line % 40 or not is_changed else -line}; "
        f"// of part {number}\n"
        for line in range(MODULE_BYTES // 40)
    ]
    return f"const part = {number};\n{head}{''.join(lines)}"[:MODULE_BYTES]


def vote_for(running: Running, proposal_id: str, names: Sequence[str]) -> None:
    def voted() -> None:
        with running.connect() as anybody:
            for name in names:
                member = Governance(anybody.connection, signer(running, name))
                anybody.run(member.vote(proposal_id))

    apart(voted)


def timed(act: Callable[[], object], seen: Callable[[], object]) -> float:
    """Return the seconds from an act until something is seen."""
    began = time.monotonic()
    act()
    seen()
    return time.monotonic() - began


@contextmanager
def proposing() -> Iterator[Running]:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_node(Path(folder), app="js_generic", members=3) as running,
    ):
        running.open(["user0"])
        yield running


def measure_proposals() -> Iterator[Figure]:
    options = ("--as", "member0", "--no-confirm")
    with proposing() as running:
        threshold: JsonObject = {"recovery_threshold": 9}
        failing = propose(
            running, {"name": "set_recovery_threshold", "args": threshold}
        )
        with (
            console(running, *options) as address,
            browsing() as browser,
            opened(browser, address) as page,
        ):
            see(page, "1 of 1 nodes answer")
            yield what_if(page, failing)
            installed = propose(running, app_action(changed=0))
            vote_for(running, installed, ["member0", "member1"])
            changing = propose(running, app_action(changed=CHANGED))
            yield complete(page, changing, diffs=CHANGED + OPENED)
            yield committed(page)
            yield unfrozen(page, propose(running, hostile_action(LINE_BYTES)))


def complete(page: Page, proposal_id: str, *, diffs: int) -> Figure:
    """Open a proposal again and again, and wait until all of it is there."""
    taken = []
    for _ in range(3):
        go(page, "/network")
        see(page, "nodes answer")
        taken.append(
            timed(
                lambda: go(page, f"/proposals/{proposal_id}"),
                lambda: whole(page, diffs),
            )
        )
    return Figure(
        name="a proposal of 800 KB that changes 12 modules: the page is complete",
        unit="s",
        values=tuple(taken),
        budget=1,
        held=Held.MEDIAN,
        scales=True,
    )


def whole(page: Page, diffs: int) -> None:
    """Wait until a proposal's page has its differences and its vote."""
    expect(page.locator(".vote")).to_be_visible()
    expect(page.locator("details:has(.diff)")).to_have_count(diffs)


def committed(page: Page) -> Figure:
    """Vote on the proposal that is shown, from the answer to the page's question."""
    status = page.get_by_role("status")
    page.get_by_role("button", name="Vote against").click()
    took = timed(
        lambda: page.get_by_role("button", name="Yes, vote against").click(),
        lambda: expect(status).to_contain_text("is committed as"),
    )
    return Figure(
        name="from a vote to its commit, as the page says it",
        unit="s",
        values=(took,),
        budget=2,
        scales=True,
    )


def what_if(page: Page, proposal_id: str) -> Figure:
    """Open a proposal that would fail; the first time, the engine starts."""
    taken = []
    for _ in range(4):
        go(page, "/proposals")
        see(page, "set_recovery_threshold")
        taken.append(
            timed(
                lambda: go(page, f"/proposals/{proposal_id}"),
                lambda: expect(page.locator(".warnings")).to_contain_text("9"),
            )
        )
    return Figure(
        name="why a proposal would fail, before the vote, once the engine has started",
        unit="s",
        values=tuple(taken[1:]),
        budget=0.2,
        scales=True,
    )


def hostile_action(line_bytes: int) -> JsonObject:
    """Return an action whose names and values are made to harm who reads them."""
    script = "<script>alert(1)</script>\u202e\u2066"
    line = (script * (1 + line_bytes // len(script)))[:line_bytes]
    return {
        "name": "set_user_data",
        "args": {"user_id": "cd" * 32, "user_data": {script: line}},
    }


def unfrozen(page: Page, proposal_id: str) -> Figure:
    """Open a proposal whose text is one long line, all of it."""
    page.evaluate(LONG_TASKS)
    go(page, f"/proposals/{proposal_id}")
    expect(page.locator(".vote")).to_be_visible()
    folded = page.locator("main details:not([open]) > summary")
    folded.evaluate_all("all => all.forEach((each) => each.click())")
    page.get_by_role("link", name="All proposals").click()
    see(page, "set_user_data")
    return Figure(
        name="a line of 900 KB: the page is busy at a stretch for",
        unit="ms",
        values=(page.evaluate("window.longest"),),
        budget=200,
        scales=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the page showed of three nodes.

    Attributes:
        silent_s: seconds until a stopped primary was shown not to answer.
        down_s: seconds until a killed primary was.
        next_s: how long the page was behind each next primary.
        flickers: times that a node that runs was shown not to answer.
    """

    silent_s: float
    down_s: float
    next_s: tuple[float, float]
    flickers: int


def watch_three() -> Watched:
    """Stop the primary of three nodes, let it go on, and kill the next one."""
    with three_nodes() as processes:
        service = Running(options=processes.options, node=processes.nodes[1])
        with (
            console(service) as address,
            leader_of(service) as leads,
            browsing() as browser,
            opened(browser, address) as page,
        ):
            see(page, "3 of 3 nodes answer")
            page.evaluate(ROWS_SEEN)
            stopped = primary(processes, leads)
            others = leads.others
            tree = [stopped, *children(stopped)]
            silent_s = gone_after(page, tree, signal.SIGSTOP)
            first_s = leads.shown_after(page)
            flickers = others_gone(page, others)
            deliver(tree, signal.SIGCONT)
            see(page, "3 of 3 nodes answer")
            see(page, LEADS)
            down_s = gone_after(page, [primary(processes, leads)], signal.SIGKILL)
            second_s = leads.shown_after(page)
    return Watched(
        silent_s=silent_s,
        down_s=down_s,
        next_s=(first_s, second_s),
        flickers=flickers,
    )


def gone_after(page: Page, pids: Sequence[int], what: signal.Signals) -> float:
    """Return the seconds from a signal until the page says that a node is missing."""
    return timed(lambda: deliver(pids, what), lambda: see(page, "2 of 3 nodes answer"))


def measure_network(rounds: int) -> Iterator[Figure]:
    seen = [watch_three() for _ in range(rounds)]
    yield Figure(
        name="a primary that is killed is shown as down",
        unit="s",
        values=tuple(each.down_s for each in seen),
        budget=2,
        held=Held.WORST,
    )
    yield Figure(
        name="a primary that takes connections and answers nothing",
        unit="s",
        values=tuple(each.silent_s for each in seen),
        budget=3,
        held=Held.WORST,
    )
    yield Figure(
        name="the next primary, after it says so itself",
        unit="s",
        values=tuple(itertools.chain(*(each.next_s for each in seen))),
        budget=1,
        held=Held.WORST,
    )
    yield Figure(
        name="rows of the other nodes that said for a while that they do not answer",
        unit="rows",
        values=tuple(each.flickers for each in seen),
        budget=0,
        held=Held.WORST,
    )


@contextmanager
def three_nodes() -> Iterator[ProcessNetwork]:
    with tempfile.TemporaryDirectory() as folder:
        options = ServiceOptions(
            workspace=Path(folder),
            app="logging",
            program=NODE_PROGRAM,
            members=["member0"],
            users=["user0"],
            constitution=constitution("default"),
        )
        processes = ProcessNetwork(options)
        try:
            asyncio.run(processes.begin([Placement()] * 3))
            yield processes
        finally:
            processes.stop()


class Leads:
    """Asks the nodes who leads, again and again, beside the console."""

    def __init__(self, service: Running, urls: Sequence[str]) -> None:
        self._service, self._urls = service, urls
        self._stop = threading.Event()
        self._since: dict[int, float] = {}
        self.now: Survey | None = None

    @property
    def view(self) -> int:
        """The latest view that a node leads."""
        return max(self._since, default=0)

    @property
    def others(self) -> list[str]:
        """The ids of nodes that do not lead."""
        assert self.now is not None
        return [
            node.id
            for node in self.now.nodes
            if node.answer is not None and node.answer.leadership != LEADER
        ]

    def follow(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(CcfpyError):  # asked again at once
                self._look()
            self._stop.wait(0.05)

    def _look(self) -> None:
        seen = asyncio.run(
            survey(
                self._urls,
                service_certificate=self._service.certificate,
                timeout_s=NODE_TIMEOUT_S,
            )
        )
        if seen.primary is not None and seen.primary.answer is not None:
            self._since.setdefault(seen.primary.answer.view, time.monotonic())
            self.now = seen

    def end(self) -> None:
        self._stop.set()

    def shown_after(self, page: Page) -> float:
        """Wait for a primary of a later view; return how long the page was behind."""
        expect(page.locator("h1")).to_contain_text(LEADS, timeout=DEADLINE_MS)
        shown = time.monotonic()
        view = int(page.locator("dt:text-is('view') + dd").first.text_content() or "")
        while view not in self._since:
            time.sleep(0.01)
        return max(0.0, shown - self._since[view])


@contextmanager
def leader_of(service: Running) -> Iterator[Leads]:
    urls = addresses(service)
    leads = Leads(service, urls)
    thread = threading.Thread(target=leads.follow, daemon=True)
    thread.start()
    while leads.now is None:
        time.sleep(0.01)
    try:
        yield leads
    finally:
        leads.end()
        thread.join()


def addresses(service: Running) -> list[str]:
    seen = asyncio.run(survey([service.url], service_certificate=service.certificate))
    return [node.url for node in seen.nodes]


def primary(processes: ProcessNetwork, leads: Leads) -> int:
    """Return the process id of the primary's host."""
    assert leads.now is not None
    assert leads.now.primary is not None
    url = leads.now.primary.url
    return next(node.pid for node in processes.nodes if node.url == url)


def deliver(pids: Sequence[int], what: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, what)


def others_gone(page: Page, others: Sequence[str]) -> int:
    """Count the times that nodes that run were said not to answer."""
    seen: list[list[str]] = page.evaluate("window.seen")
    return sum(
        row.startswith(tuple(each[:8] for each in others)) and "no answer" in row
        for rows in seen
        for row in rows
    )


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


QUESTION = Question(
    slug="console",
    text="How soon does the console's page show what its readers wait for?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
