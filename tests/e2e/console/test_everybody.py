"""Every page on small screens, in both themes, and by the rules of WCAG."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.console.pages import go, opened, picture, propose, see, thing_app
from tests.e2e.running import Running

AXE = Path(__file__).parents[3] / "console/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def opens_an_endpoint(service: Running) -> str:
    """A proposal that takes the authentication off one endpoint."""
    return propose(service, thing_app("no_auth", changed=3))


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_for_everybody(
    reading: str, browser: Browser, opens_an_endpoint: str, *, dark: bool
) -> None:
    """On a small screen and a large one; and axe, which checks WCAG's rules."""
    with opened(browser, reading, dark=dark) as page:
        for name, place, wanted in (
            ("network", "/network", "nodes answer"),
            ("proposals", "/proposals", "set_js_app"),
            ("receipts", "/receipts", "Is it in the ledger?"),
            ("ledger", "/ledger", "Transactions after 0"),
            ("transaction", "/ledger/tx/1", "What it wrote"),
            ("proposal", f"/proposals/{opens_an_endpoint}", "If it passed now"),
        ):
            go(page, place)
            see(page, wanted)
            for width in (360, 1200):
                page.set_viewport_size({"width": width, "height": 800})
                wide = "document.documentElement.scrollWidth - innerWidth"
                assert page.evaluate(wide) <= 0, (name, width)
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            assert found == [], name
            picture(page, f"console-{name}", dark=dark)
