"""A developer calls the app from its page, and sees what became of the call."""

import os

from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.console.pages import (
    console,
    go,
    opened,
    picture,
    without_frames,
)
from tests.e2e.console.test_everybody import AXE, SCROLLS_SIDEWAYS, TOO_WIDE, reach
from tests.e2e.running import Running

NOTE = "/app/thing/{name}/note"


def is_for_everybody(page: Page) -> None:
    """See that a form and an answer fit on small screens, and that axe is content."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for width, height in ((360, 800), (600, 400), (1200, 800)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(TOO_WIDE) <= 0, width
            assert page.evaluate(SCROLLS_SIDEWAYS) == [], width
        page.evaluate(AXE.read_text())
        assert page.evaluate("axe.run()")["violations"] == []


def read_by_keyboard(page: Page) -> None:
    """Call an endpoint that reads: nobody is asked."""
    search = page.get_by_label("Find an endpoint")
    search.fill("get /app/thing/7")
    expect(page.locator(".operation summary:visible")).to_have_count(1)
    search.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    reach(page, "Try it", "button")
    form = page.get_by_role("form", name="Try GET /app/thing/7")
    with without_frames(page):
        page.keyboard.press("Enter")
        expect(form.get_by_role("button", name="Send GET")).to_be_focused()
    expect(form).to_contain_text("The console sends this as the user user0.")
    page.keyboard.press("Enter")
    expect(form).to_contain_text("200 OK: the service answered.")
    expect(form.locator("pre")).to_have_text("0")


def fill_in(page: Page) -> Locator:
    """Fill in the form of the endpoint that writes."""
    search = page.get_by_label("Find an endpoint")
    search.fill(f"put {NOTE}")
    summary = page.locator(".operation summary:visible")
    expect(summary).to_have_count(1)
    summary.click()

    def move_on(route: Route) -> None:
        search.focus()
        route.continue_()

    # The form comes late, and takes the focus from nothing that got it meanwhile.
    page.route("**/api/call?*", move_on)
    page.get_by_role("button", name="Try it").click()
    form = page.get_by_role("form", name=f"Try PUT {NOTE}")
    expect(form).to_contain_text("The terminal asks first")
    expect(search).to_be_focused()
    expect(form.get_by_label("Body")).to_have_value('{\n  "note": "an example"\n}')
    for label, value in (("name", "one two"), ("mark", "a&b"), ("x-why", "because")):
        form.get_by_label(label).fill(value)
    return form


def test_a_developer_reads_and_writes_as_a_user(
    service: Running, browser: Browser
) -> None:
    """The person at the terminal first refuses the write, and then allows it."""
    person, terminal = os.openpty()
    try:
        with (
            console(service, "--as", "user0", terminal=terminal) as address,
            opened(browser, address) as page,
        ):
            expect(page.locator(".identity")).to_contain_text("you call as user0")
            go(page, "/app")
            read_by_keyboard(page)
            form = fill_in(page)
            for reply, came in (
                (b"n\n", "The person at the terminal said no."),
                (b"y\n", "200 OK: the service answered."),
            ):
                form.get_by_role("button", name="Send PUT").click()
                expect(form).to_contain_text("Answer the question in the terminal")
                os.write(person, reply)
                expect(form).to_contain_text(came)
            expect(form).to_contain_text(": committed: no failure of nodes")
            for told in ('"name": "one%20two"', '"why": "because"', '"an example"'):
                expect(form.locator("pre")).to_contain_text(told)
            is_for_everybody(page)
            page.set_viewport_size({"width": 1100, "height": 1400})
            picture(page, "console-try", of=form)
    finally:
        os.close(person)
        os.close(terminal)
