"""What an operator, a member and an auditor read on the page."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Route, expect

from ccfpy.client.share import constitution
from ccfpy.crypto.certs import Certificate
from ccfpy.gov import proposal_history
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.testing.node import Person
from tests.e2e.console.in_process import hosted_console
from tests.e2e.console.pages import (
    DEADLINE_MS,
    Late,
    apart,
    console,
    go,
    opened,
    picture,
    see,
    without_frames,
)
from tests.e2e.running import Running
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]


def test_an_operator_sees_whether_the_service_works(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        see(page, "1 of 1 nodes answers")
        assert "token" not in page.url
        expect(page.locator(".identity")).to_contain_text("reading only")
        expect(page.locator(".wide tbody tr")).to_have_count(1)


def test_a_receipt_is_fetched_verified_and_refused_after_a_change(
    service: Running, reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        go(page, "/receipts")
        asked = page.get_by_label("A transaction, such as")
        asked.fill("2.1")
        page.get_by_role("button", name="Verify").click()
        result = page.get_by_role("region", name="Result")
        expect(result).to_contain_text("2.1 is in the ledger of this service")
        expect(result.locator("li.good")).to_have_count(5)
        picture(page, "console-receipt")
        digest = Certificate.from_pem(service.certificate).digest_hex
        expect(result).to_contain_text(f"with the SHA-256 digest {digest}")
        text = result.locator("pre").text_content() or ""
        asked.fill(text.replace('"signature":"M', '"signature":"N', 1))
        page.get_by_role("button", name="Verify").click()
        expect(result).to_contain_text("do not rely on it")
        expect(result.locator("li.bad")).to_have_count(1)
        asked.fill("[]")
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("alert")).to_contain_text("this is no receipt")
        # The verdict is that on the file which was chosen last.
        late = Late(page, "**/api/receipt")
        file = page.get_by_label("Or the file of a receipt")
        buffer = text.encode()
        file.set_input_files(_receipt_file(buffer))
        late.wait()
        wrong = buffer.replace(b'"signature":"M', b'"signature":"N')
        file.set_input_files(_receipt_file(wrong))
        expect(result).to_contain_text("do not rely on it")
        late.arrive()
        expect(result).to_contain_text("do not rely on it")


def _receipt_file(buffer: bytes) -> FilePayload:
    return {"name": "receipt.json", "mimeType": "application/json", "buffer": buffer}


def test_the_page_refuses_a_receipt_that_the_console_calls_good(
    reading: str, browser: Browser
) -> None:
    """Somebody else's console changed one byte and says that all holds."""

    def change(route: Route) -> None:
        told = route.fetch().json()
        fields = json.loads(told["text"])
        digest = fields["leaf_components"]["write_set_digest"]
        last = "1" if digest[-1] == "0" else "0"
        fields["leaf_components"]["write_set_digest"] = digest[:-1] + last
        route.fulfill(json={**told, "text": json.dumps(fields)})

    with opened(browser, reading) as page:
        page.route("**/api/receipt/*", change)
        go(page, "/receipts")
        page.get_by_label("A transaction, such as").fill("2.1")
        page.get_by_role("button", name="Verify").click()
        result = page.get_by_role("region", name="Result")
        expect(result).to_contain_text("the node's signature does not hold")
        expect(result).to_contain_text("nor on this console, which says that it holds")
        expect(result.locator("li.good")).to_have_count(3)


def test_an_auditor_follows_a_key_to_the_transaction_that_wrote_it(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        page.locator("nav").get_by_text("Ledger").click()
        see(page, "transactions verified")
        page.get_by_text("public tables").click()
        page.get_by_role("link", name="public:ccf.gov.service.info").click()
        page.get_by_role("link", name="(the only key)").click()
        see(page, '"status":"Open"')
        page.locator(".write a").first.click()
        see(page, "What it wrote, as far as it is public")
        see(page, "public:ccf.gov.service.info")
        page.get_by_label("Go to a transaction").fill("2.1")
        page.get_by_role("button", name="Go").click()
        see(page, "Transaction 2.1 ")
        page.get_by_role("link", name="Next transaction").first.click()
        see(page, "Transaction 2.2 ")
        go(page, "/ledger/tx/99999")
        expect(page.locator("h1")).to_have_text("Transaction 99,999")
        expect(page.get_by_role("alert")).to_contain_text("no transaction 99999")


def test_an_auditor_comes_from_a_vote_to_its_proposal(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        go(page, "/ledger")
        see(page, "transactions verified")  # the timeline leads to those that are
        go(page, "/proposals")
        decided = page.locator("section", has_text="Decided")
        decided.get_by_role("link", name="open the service").click()
        voted = page.locator(".timeline li", has_text="Voted in favour").first
        place = voted.get_by_role("link").get_attribute("href") or ""
        # Signatures between, as many as time passed, move the vote down the list.
        go(page, f"/ledger/after/{int(place.rpartition('/')[2]) - 1}")
        vote = page.locator(".list tr").filter(
            has=page.get_by_role("cell", name="vote", exact=True)
        )
        vote.first.get_by_role("link").click()
        see(page, "kindvote")
        page.locator("main a[href^='#/proposals/']").click()
        see(page, "What happened")


def test_a_developer_sees_since_when_a_module_runs(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        go(page, "/ledger")
        page.get_by_text("public tables").click()
        page.get_by_role("link", name="public:ccf.gov.modules", exact=True).click()
        page.get_by_role("link", name="/thing0.js").click()
        see(page, "History of a key in public:ccf.gov.modules")
        see(page, "export function read")
        picture(page, "console-module")
        page.locator(".write a").first.click()
        expect(page.locator("main")).to_contain_text("public:ccf.gov.proposals_info")


def test_a_ledger_that_is_tampered_with_is_nowhere_called_verified(
    service: Running, browser: Browser, tmp_path: Path
) -> None:
    """A byte is changed, a file cut short, a file taken away, while one looks."""
    folder = shutil.copytree(service.ledger, tmp_path / "ledger")
    chunk = min(folder.glob("*.committed"))
    whole = chunk.read_bytes()
    changed = bytearray(whole)
    changed[len(changed) // 2] ^= 1
    offline = ("--ledger", str(folder))
    with console(service, *offline) as address, opened(browser, address) as page:
        go(page, "/ledger")
        headline = page.locator("h1")
        expect(headline).to_contain_text("verified")
        for tampered in (bytes(changed), whole[: len(whole) // 2], None):
            if tampered is None:
                chunk.unlink()
            else:
                chunk.write_bytes(tampered)
            expect(headline).to_contain_text("Nothing after it is vouched for")
            damage = page.get_by_role("region", name="Damage")
            if tampered is not None:
                expect(damage).to_contain_text(chunk.name)
            doubt = page.locator("td", has_text=re.compile("not (vouched for|in the)"))
            expect(doubt.first).to_be_visible()
            for place in ("/ledger/tx/9", "/ledger/map/public%3Accf.gov.members.info"):
                expect(page.locator("main")).not_to_contain_text("verified")
                go(page, place)
                expect(page.locator(".within")).to_contain_text("damaged")
            expect(page.locator("main")).not_to_contain_text("verified")
            # As it was, so that the next time something else is wrong with it.
            chunk.write_bytes(whole)
            go(page, "/ledger")
            expect(headline).to_contain_text("transactions verified")


def test_a_developer_finds_an_endpoint_and_its_source(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        page.locator("nav").get_by_text("App").click()
        see(page, "a JavaScript app of 13 endpoints in 13 modules")
        see(page, "in favourmember0, member1")
        governance = page.locator(".document", has_text="CCF Governance")
        proposals = governance.get_by_text("/gov/members/proposals", exact=True)
        expect(proposals.first).not_to_be_visible()
        shown = page.locator(".documents details:visible")
        page.get_by_label("Find an endpoint").fill("get /app/thing/7")
        expect(shown).to_have_count(1)
        shown.locator("summary").click()
        expect(shown).to_contain_text("curl --cacert KEYS/service_cert.pem")
        page.get_by_role("link", name="/thing7.js").last.click()
        expect(page.locator("h1")).to_contain_text("/thing7.js")
        expect(page.get_by_label("Source")).to_contain_text("export function read")


def test_a_member_sees_what_was_decided_while_away(
    reading: str, browser: Browser
) -> None:
    with opened(browser, reading) as page:
        go(page, "/proposals")
        decided = page.locator("section", has_text="Decided")
        decided.get_by_role("link", name="open the service").click()
        moments = page.locator(".timeline li")
        expect(moments.first).to_contain_text("Proposed by member0")
        expect(moments.filter(has_text="Accepted with")).to_have_count(1)
        expect(moments.last).to_contain_text("Committed")
        expect(moments.first).to_contain_text("verified in the ledger's files")


def test_a_member_reads_on_to_older_proposals(
    browser: Browser,
    serve: Serve,
    service_pem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By keyboard, from a list that has the latest ones alone."""
    monkeypatch.setattr(proposal_history, "PAGE_MAX", 2)
    alice = Person.make("alice", can_recover=True)
    with hosted_console([alice], serve, service_pem) as hosted:

        def decide() -> None:
            hosted.apart(lambda: hosted.node.propose({"name": "trigger_snapshot"}))

        for _ in range(4):
            decide()
        with opened(browser, hosted.address) as page:
            go(page, "/proposals")
            items = page.locator("section", has_text="Decided").locator("li")
            expect(items).to_have_count(2)
            more = page.get_by_role("button", name="Read older ones")
            more.focus()
            with without_frames(page):
                page.keyboard.press("Enter")
                expect(items).to_have_count(4)
                expect(items.nth(2).get_by_role("link")).to_be_focused()
            more.click()
            see(page, "there are no others")
            expect(more).to_have_count(0)
            oldest = page.get_by_role("link", name="open the service")
            expect(oldest).to_have_count(1)
            # What is decided meanwhile pushes nothing off the list.
            before = items.count()
            decide()
            expect(items).to_have_count(before + 1)
            oldest.click()
            see(page, "What happened")


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
            unwell = page.locator("tr.unwell", has_text="no answer")
            expect(unwell.first).to_be_visible()
            # A slow machine may need more than one election.
            expect(page.locator(".facts")).to_contain_text(
                re.compile(r"view([3-9]|\d\d)"), timeout=3 * DEADLINE_MS
            )
            picture(page, "console-node-down")
    finally:
        processes.stop()
