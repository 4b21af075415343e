"""The benchmark of the console measures; its budgets are for a quiet machine."""

from playwright.sync_api import Browser, expect

from benchmarks import console as bounds
from benchmarks.harness.page import explorer
from tests.e2e.console.pages import go, opened, propose, see, thing_app
from tests.e2e.running import Running

CHANGED = 3


def test_a_proposal_a_ledger_and_a_page_are_measured(
    service: Running, reading: str, browser: Browser
) -> None:
    changing = propose(service, thing_app("no_auth", changed=CHANGED))
    hostile = propose(service, bounds.hostile_action(bounds.LINE_BYTES // 10))
    with opened(browser, reading) as page:
        see(page, "1 of 1 nodes answer")
        complete = bounds.complete(page, changing, diffs=CHANGED + 2)
        assert all(0 < each < 60 for each in complete.values)
        assert bounds.unfrozen(page, hostile).values[0] < 2000
        go(page, "/ledger")
        expect(page.locator("h1")).to_contain_text("verified")
        frames = page.evaluate(explorer.SCROLL, 100)
        assert frames == sorted(frames)
        assert 0 < explorer.jump(page, 5) < 60
        assert 0 < explorer.page_mib(page) < 1000
