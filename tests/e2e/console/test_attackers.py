"""Hostile text, foreign pages, and a console or a service that ends."""

import http.client
import os
import signal
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.console.pages import (
    console,
    go_to_proposal,
    opened,
    propose,
    see,
    set_user_data,
)
from tests.e2e.running import Running
from tests.lab.ports import free_ports

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def test_hostile_text_is_text(service: Running, reading: str, browser: Browser) -> None:
    proposal_id = propose(service, set_user_data("cd" * 32, {HOSTILE: HOSTILE}))
    with opened(browser, reading) as page:
        go_to_proposal(page, proposal_id)
        see(page, "<img src=x onerror=alert(1)>⟦U+202E⟧")
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


LINE_BYTES = 450_000


def test_a_megabyte_of_names_and_values_freezes_nothing(
    service: Running, reading: str, browser: Browser
) -> None:
    """All of it can be read, a part at a time."""
    line = (HOSTILE * LINE_BYTES)[:LINE_BYTES]
    proposal_id = propose(service, set_user_data("ce" * 32, {line: line}))
    with opened(browser, reading) as page:
        page.evaluate(
            "new PerformanceObserver((list) => { window.longest = Math.max("
            "window.longest ?? 0, ...list.getEntries().map((each) => each.duration))"
            "}).observe({ type: 'longtask', buffered: true })"
        )
        go_to_proposal(page, proposal_id)
        see(page, "What would change")
        for summary in page.locator("main details > summary").all():
            summary.click()
        more = page.locator("button.more").first
        more.scroll_into_view_if_needed()
        more.click()
        expect(page.locator("main img")).to_have_count(0)
        # What a quiet machine does in 200 ms.
        assert page.evaluate("window.longest ?? 0") < 2000


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer of-an-earlier-run"}, 401),
    ],
)
def test_foreign_requests_are_refused(
    reading: str, changed: dict[str, str], status: int
) -> None:
    address, _, token = reading.removeprefix("http://").partition("/#token=")
    headers = {"host": address, "authorization": f"Bearer {token}"} | changed
    asked = http.client.HTTPConnection(address)
    asked.request("GET", "/api/start", headers=headers)
    answer = asked.getresponse()
    assert answer.status == status, answer.read()
    asked.close()


def test_a_page_says_when_its_console_ends_and_when_another_is_there(
    service: Running, browser: Browser
) -> None:
    port = str(free_ports()[0])
    with ExitStack() as first_console:
        address = first_console.enter_context(console(service, "--port", port))
        with opened(browser, address) as page:
            see(page, "1 of 1 nodes answer")
            trouble = page.get_by_role("alert")
            expect(trouble).to_have_count(0)
            first_console.close()
            expect(trouble).to_contain_text("What is shown may be out of date")
            expect(page.locator("main")).to_contain_text("1 of 1 nodes answer")
            with console(service, "--port", port):
                expect(trouble).to_contain_text("open the address that ccfpy console")


def test_a_service_that_stops_is_shown_and_so_is_its_return(
    service: Running, reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        see(page, "1 of 1 nodes answer")
        os.kill(service.node.pid, signal.SIGSTOP)
        try:
            see(page, "no node answers")
        finally:
            os.kill(service.node.pid, signal.SIGCONT)
        see(page, "1 of 1 nodes answer")
