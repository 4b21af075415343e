"""What an operator, a member and an auditor read on the page."""

import asyncio
import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect

from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.console.pages import (
    DEADLINE_MS,
    apart,
    console,
    go,
    opened,
    picture,
    see,
)
from tests.e2e.running import Running


def test_an_operator_sees_whether_the_service_works(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        see(page, "1 of 1 nodes answer")
        assert "token" not in page.url
        expect(page.locator(".identity")).to_contain_text("reading only")
        expect(page.locator("tbody tr")).to_have_count(1)


def test_a_receipt_is_fetched_verified_and_refused_after_a_change(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        go(page, "/receipts")
        asked = page.get_by_label("A transaction, such as")
        asked.fill("2.8")
        page.get_by_role("button", name="Verify").click()
        result = page.get_by_role("region", name="Result")
        expect(result).to_contain_text("2.8 is in the ledger of this service")
        expect(result.locator("li.good")).to_have_count(5)
        picture(page, "console-receipt", dark=False)
        text = result.locator("pre").text_content() or ""
        asked.fill(text.replace('"signature":"M', '"signature":"N', 1))
        page.get_by_role("button", name="Verify").click()
        expect(result).to_contain_text("do not rely on it")
        expect(result.locator("li.bad")).to_have_count(1)
        asked.fill("[]")
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("alert")).to_contain_text("this is no receipt")


def test_an_auditor_follows_a_key_to_the_transaction_that_wrote_it(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        page.locator("nav").get_by_text("Ledger").click()
        see(page, "transactions verified")
        page.get_by_text("public maps").click()
        page.get_by_role("link", name="public:ccf.gov.service.info").click()
        page.get_by_role("link", name="(the only key)").click()
        see(page, '"status":"Open"')
        page.locator(".write a").first.click()
        see(page, "What it wrote, as far as it is public")
        see(page, "public:ccf.gov.service.info")
        page.get_by_label("Go to a transaction").fill("2.1")
        page.get_by_role("button", name="Go").click()
        see(page, "Transaction 2.1")


def test_a_changed_byte_is_shown_where_it_is(
    service: Running, browser: Browser, tmp_path: Path
) -> None:
    folder = shutil.copytree(service.ledger, tmp_path / "ledger")
    changed = min(folder.iterdir())
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    offline = ("--ledger", str(folder))
    with console(service, *offline) as address, opened(browser, address) as page:
        go(page, "/ledger")
        headline = page.locator("h1")
        expect(headline).to_contain_text("Nothing after it is vouched for")
        expect(headline).not_to_contain_text("verified")
        expect(page.get_by_role("region", name="Damage")).to_contain_text(changed.name)
        expect(page.locator("td", has_text="not vouched for").first).to_be_visible()


def test_a_killed_primary_is_shown(tmp_path: Path, browser: Browser) -> None:
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        program=NODE_PROGRAM,
        members=["member0"],
        users=["user0"],
        constitution=constitution("default"),
    )
    processes = ProcessNetwork(options)
    try:
        apart(lambda: asyncio.run(processes.begin([Placement()] * 3)))
        service = Running(options=options, node=processes.nodes[1])
        with console(service) as address, opened(browser, address) as page:
            see(page, "3 of 3 nodes answer")
            processes.nodes[0].kill()
            see(page, "2 of 3 nodes answer")
            expect(page.locator("tr.unwell")).to_contain_text("no answer")
            # A slow machine may need more than one election.
            expect(page.locator("h1")).to_contain_text(
                re.compile(r"leads view [3-9]"), timeout=3 * DEADLINE_MS
            )
    finally:
        processes.stop()
