"""When the page shows that a node is gone, and who leads next."""

import asyncio
import contextlib
import itertools
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.harness.figure import Figure, Held
from benchmarks.harness.page.timing import DEADLINE_MS, browsing, timed
from ccfpy.base.errors import CcfpyError
from ccfpy.client.share import constitution
from ccfpy.client.survey import LEADER, Survey, survey
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.console.pages import console, opened, see
from tests.e2e.running import Running, children

NODE_TIMEOUT_S = 0.5
LEADS = "… leads"
"""In the page's headline, behind the name of the node that leads."""
ROWS_SEEN = """() => {
    window.seen = [];
    const look = () => window.seen.push(
        [...document.querySelectorAll("tbody tr")].map((row) => row.textContent));
    new MutationObserver(look).observe(
        document.querySelector("main"),
        { subtree: true, childList: true, characterData: true });
}"""
"""Keeps what the page said of the nodes."""


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
    shown = partial(Figure, unit="s", held=Held.WORST)
    yield shown(
        name="a primary that is killed is shown as down",
        values=tuple(each.down_s for each in seen),
        budget=2,
    )
    yield shown(
        name="a primary that takes connections and answers nothing",
        values=tuple(each.silent_s for each in seen),
        budget=3,
    )
    yield shown(
        name="the next primary, after it says so itself",
        values=tuple(itertools.chain(*(each.next_s for each in seen))),
        budget=1,
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
