"""Hostile text, and pages that are not the console's."""

from playwright.sync_api import Browser, expect

from tests.e2e.console.pages import go, opened, propose, see, set_user_data
from tests.e2e.running import Running

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def test_hostile_text_is_text(service: Running, reading: str, browser: Browser) -> None:
    proposal_id = propose(service, set_user_data("cd" * 32, {HOSTILE: HOSTILE}))
    with opened(browser, reading) as page:
        go(page, f"/proposals/{proposal_id}")
        see(page, "<img src=x onerror=alert(1)>\\u202e")
        expect(page.locator("main img")).to_have_count(0)


def test_another_page_is_not_answered(reading: str, browser: Browser) -> None:
    """Neither without the token, nor from another origin on this machine."""
    origin = reading.partition("/#")[0]
    with opened(browser, origin) as page:
        expect(page.get_by_role("alert")).to_contain_text(
            "open the address that ccfpy console printed"
        )
    page = browser.new_page()
    page.goto("data:text/html,other")
    script = f"fetch('{origin}/api/start').then(() => 'read', () => 'refused')"
    assert page.evaluate(script) == "refused"
    page.close()
