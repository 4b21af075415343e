"""Every page on small screens, magnified, in all themes, by keyboard, and by WCAG."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.console.pages import (
    console,
    go,
    go_to_proposal,
    opened,
    picture,
    propose,
    see,
    set_user_data,
    thing_app,
    without_frames,
)
from tests.e2e.running import Running

AXE = Path(__file__).parents[3] / "console/node_modules/axe-core/axe.min.js"
HISTORY = "/ledger/key/public%3Accf.gov.proposals_info"
TABS_MAX = 60
"""How many stops of the focus a person passes at most to come to a thing."""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
SCROLLS_SIDEWAYS = """[...document.querySelectorAll("main *")].filter(
    (each) => each.scrollWidth > each.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(each).overflowX)
        && !each.matches(".diff")).map((each) => each.outerHTML.slice(0, 80))"""
NO_OUTLINE = """(() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement !== document.body && style.outlineStyle === "none"
        && style.textDecorationLine === "none";
})()"""
IS_AT_END = """() => document.querySelector(".list table").ariaRowCount
    === [...document.querySelectorAll(".list tbody tr")].at(-1)?.ariaRowIndex"""
HAS_FOCUS = "each => each === document.activeElement"
IS_TITLED = """() =>
    document.title === `${document.querySelector("h1").textContent} · ccfpy console`"""
"""Both are read at once: the words of a heading change while one looks."""
UNFOLD = "document.querySelectorAll('section details').forEach((it) => it.open = true)"
"""Also what is folded at first is for everybody."""


@pytest.fixture(scope="module")
def opens_an_endpoint(service: Running) -> str:
    """A proposal that takes the authentication off one endpoint."""
    return propose(service, thing_app("no_auth", changed=3))


def pages_of(page: Page, proposal_id: str) -> Iterator[str]:
    """Open each page in turn, and yield its name."""
    for name, place, wanted in (
        ("network", "/network", "5 minutes ago"),
        ("proposals", "/proposals", "set_js_app"),
        ("receipts", "/receipts", "Is it in the ledger?"),
        ("key", "/key", "Nobody votes here yet"),
        ("ledger", "/ledger", "Transactions 1 to"),
        ("at-rest", "/recovery", "If it were lost"),
        ("transaction", "/ledger/tx/1", "What it wrote"),
        ("keys", "/ledger/map/public%3Accf.gov.members.info", "Keys of"),
        ("history", f"{HISTORY}/{proposal_id.encode().hex()}", "History of a key"),
        ("app", "/app", "How each endpoint is called"),
        ("source", "/app/module/%2Fthing7.js", "export function read"),
        ("proposal", f"/proposals/{proposal_id}", "What would change"),
    ):
        go(page, place)
        see(page, wanted)
        yield name


def with_a_receipt(page: Page, proposal_id: str) -> Iterator[str]:
    """Open each page, and that of receipts once more, with a receipt that holds."""
    yield from pages_of(page, proposal_id)
    go(page, "/receipts")
    page.locator("textarea").fill("2.1")
    page.get_by_role("button", name="Verify").click()
    see(page, "2.1 is in the ledger of this service")
    yield "receipt-whole"


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_for_everybody(
    reading: str, browser: Browser, opens_an_endpoint: str, *, dark: bool
) -> None:
    """On a small screen and a large one; and axe, which checks WCAG's rules."""
    with opened(browser, reading, dark=dark) as page:
        for name in with_a_receipt(page, opens_an_endpoint):
            page.evaluate(UNFOLD)
            # A large one, a telephone, and a large one magnified to 200 %.
            for width, height in ((360, 800), (600, 400), (1200, 800)):
                page.set_viewport_size({"width": width, "height": height})
                assert page.evaluate(TOO_WIDE) <= 0, (name, width)
                assert page.evaluate(SCROLLS_SIDEWAYS) == [], (name, width)
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            assert found == [], name
            picture(page, f"console-{name}", dark=dark)


def test_each_page_begins_with_its_heading_and_says_where_it_is(
    reading: str, browser: Browser, opens_an_endpoint: str
) -> None:
    """The focus is on the heading of a page that was opened, and the title names it."""
    with opened(browser, reading) as page:
        for name in pages_of(page, opens_an_endpoint):
            expect(page.locator("main h1:focus"), name).to_have_count(1)
            page.wait_for_function(IS_TITLED)
        with without_frames(page):
            go(page, "/key")
            expect(page.locator("h1:focus")).to_have_text("Nobody votes here yet")
            # The title follows the heading also once the focus has moved on.
            page.keyboard.press("Tab")
            changed = "Somebody votes here"
            heading = page.locator("main h1")
            heading.evaluate("(it, text) => (it.firstChild.data = text)", changed)
            expect(page).to_have_title(f"{changed} · ccfpy console")


def test_shapes_say_what_colours_say(
    reading: str, browser: Browser, opens_an_endpoint: str
) -> None:
    """Where readers force colours of their own, and want nothing to move."""
    with opened(browser, reading) as page:
        page.emulate_media(forced_colors="active", reduced_motion="reduce")
        see(page, "nodes answer")
        expect(page.locator("tbody .mark")).to_have_text("★")
        current = page.locator("nav a[aria-current]")
        other = page.locator("nav a:not([aria-current])").first
        border = "each => getComputedStyle(each).borderBottomColor"
        assert current.evaluate(border) != other.evaluate(border)
        go_to_proposal(page, opens_an_endpoint)
        see(page, "What would change")
        for kind, sign in (("added", "+"), ("removed", "-")):
            lines = page.locator(f".diff .{kind}").all_text_contents()
            assert lines
            assert all(line.startswith(sign) for line in lines)
        assert page.evaluate("document.getAnimations().length") == 0


def reach(page: Page, name: str, role: str = "link") -> None:
    """Press Tab until a thing has the focus, and see that each stop can be seen."""
    # Playwright's types know roles as literals.
    thing = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        assert not page.evaluate(NO_OUTLINE), "one sees where the focus is"
        if thing.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"{TABS_MAX} times Tab lead to no {role} {name}")


def test_a_keyboard_is_enough_to_read_a_ledger_and_a_receipt(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        see(page, "nodes answer")
        page.keyboard.press("Tab")
        expect(page.locator(".skip:focus")).to_have_text("Skip to the page")
        page.keyboard.press("Enter")
        expect(page.locator("h1:focus")).to_have_count(1)
        reach(page, "Ledger")
        page.keyboard.press("Enter")
        see(page, "transactions verified")
        reach(page, "Transactions, scroll for others", "region")
        page.keyboard.press("End")
        page.wait_for_function(IS_AT_END)
        page.keyboard.press("Home")
        first = page.locator(".list tbody tr").first
        expect(first).to_have_attribute("aria-rowindex", "2")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        see(page, "Transaction 2.1 ")
        reach(page, "public:ccf.gov.service.info")
        page.keyboard.press("Enter")
        reach(page, "(the only key)")
        page.keyboard.press("Enter")
        see(page, "History of a key in public:ccf.gov.service.info")
        reach(page, "Receipts")
        page.keyboard.press("Enter")
        expect(page.locator("h1:focus")).to_have_text("Is it in the ledger?")
        page.keyboard.press("Tab")
        page.keyboard.type("2.1")
        reach(page, "Verify", "button")
        page.keyboard.press("Enter")
        see(page, "2.1 is in the ledger of this service")


def answer_by_keyboard(page: Page) -> None:
    """Vote against what is shown, after a question that was left once."""
    vote = page.get_by_role("button", name="Vote against", exact=True)
    reach(page, "Vote against", "button")
    page.keyboard.press("Enter")
    question = page.get_by_role("group", name="Vote against? It cannot be changed.")
    # Before any frame, as the next key may come before one.
    assert question.evaluate(HAS_FOCUS)
    # Who holds the key down has answered nothing.
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert vote.evaluate(HAS_FOCUS)
    page.keyboard.press("Enter")
    reach(page, "Yes, vote against", "button")
    page.keyboard.press("Enter")


def test_a_keyboard_is_enough_to_vote(service: Running, browser: Browser) -> None:
    proposal_id = propose(service, set_user_data("ee" * 32))
    options = ("--as", "member2", "--no-confirm")
    with console(service, *options) as address, opened(browser, address) as page:
        see(page, "nodes answer")
        reach(page, "Proposals")
        page.keyboard.press("Enter")
        see(page, "set_user_data")
        page.locator(f"a[href$='{proposal_id}']").focus()
        page.keyboard.press("Enter")
        see(page, "What would change")
        with without_frames(page):
            answer_by_keyboard(page)
        expect(page.get_by_role("status")).to_contain_text("is committed as")
