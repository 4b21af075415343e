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

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.harness.figure import Figure, Held
from benchmarks.harness.page.explorer import TRANSACTIONS, measure_ledger
from benchmarks.harness.page.nodes import measure_network
from benchmarks.harness.page.timing import CHROMIUM, browsing, timed
from benchmarks.harness.question import Question, Settings, main
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.governance import Governance
from tests.e2e.console.pages import apart, console, go, opened, propose, see, signer
from tests.e2e.running import Running, running_node

MODULES, MODULE_BYTES, CHANGED = 40, 20_000, 12
OPENED = 2
"""Endpoints whose policies change."""
COMPILED = 1
"""The list of the modules' compiled forms, which is closed."""
OUTERMOST = "details:has(.diff):not(details details)"
LINE_BYTES = 900_000
LONG_TASKS = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const each of list.getEntries())
            window.longest = Math.max(window.longest, each.duration);
    }).observe({ type: "longtask", buffered: true });
}"""
"""Keeps how long the page was busy at a stretch."""


def measure(settings: Settings) -> Iterator[Figure]:
    if CHROMIUM is None:
        return
    yield from measure_proposals()
    yield from measure_network(settings.pick(3, 1))
    yield from measure_ledger(settings.pick(TRANSACTIONS, 100_000))


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
            yield complete(page, changing, diffs=CHANGED + OPENED + COMPILED)
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
    expect(page.locator(OUTERMOST)).to_have_count(diffs)


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


QUESTION = Question(
    slug="console",
    text="How soon does the console's page show what its readers wait for?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
