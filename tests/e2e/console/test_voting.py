"""A proposal read and voted on in the page."""

import os
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.console.pages import (
    DEADLINE_MS,
    RUN_MS,
    apart,
    cast,
    console,
    go_to_proposal,
    opened,
    picture,
    propose,
    see,
    set_user_data,
    signer,
    thing_app,
)
from tests.e2e.running import Running
from tests.softhsm import CONFIGURATION, SoftHsm

PIN = "314159"


def keep_pictures(page: Page) -> None:
    """Keep the README's pictures: what a member reads, and the vote."""
    before = page.viewport_size or {"width": 1200, "height": 800}
    page.set_viewport_size({"width": 1100, "height": 1100})
    for dark in (True, False):
        page.emulate_media(color_scheme="dark" if dark else "light")
        picture(page, "console-vote", dark=dark)
    page.set_viewport_size(before)


@pytest.mark.usefixtures("nothing_waits")
def test_a_member_reads_a_proposal_and_votes(
    service: Running, browser: Browser
) -> None:
    """Of twelve changed files, one endpoint lost its authentication."""
    proposal_id = propose(service, thing_app("no_auth", changed=12))
    options = ("--as", "member0", "--no-confirm")
    with console(service, *options) as address, opened(browser, address) as page:
        waiting = page.locator(".waiting a")
        expect(waiting).to_have_text("1 proposal waits for your vote")
        page.locator("nav").get_by_text("Proposals").click()
        link = page.locator(f"a[href$='{proposal_id}']")
        expect(link).to_have_text(
            "Replace the app: 1 endpoint and 12 files change", timeout=RUN_MS
        )
        link.click()
        warning = page.get_by_role("region", name="Before you vote")
        expect(warning).to_have_text(
            "Before you voteGET /thing/7: may be called by anybody, without a "
            "certificate or a token; today only by users with a certificate"
            "What answers there today",
            timeout=RUN_MS,
        )
        title = "Replace the app: 1 endpoint and 12 files change: Open"
        expect(page.locator("h1")).to_have_text(title)
        expect(page).to_have_title(f"{title} · ccfpy console")
        see(page, "12 files change, 12 by the same lines")
        alike = page.get_by_role("region", name="Files that change by the same lines")
        expect(alike.locator("> .diff .added")).to_have_count(1)
        see(page, "compiled forms of modules would be written")
        expect(alike.locator("details:not([open])")).to_have_count(12)
        see(page, "12 endpoints and 1 file stay as they are")
        decides = page.locator("section", has_text="What decides it")
        expect(decides).to_contain_text("0 against, 0 in favour")
        expect(decides).to_contain_text("not rejected even if every other")
        expect(page.locator("details[open] summary b").first).to_have_text(
            "endpoint GET /thing/7"
        )
        expect(page.locator(".added", has_text="no_auth")).to_be_visible()
        keep_pictures(page)
        before = time.monotonic()
        cast(page, "against")
        expect(page.get_by_role("status")).to_contain_text("is committed as")
        assert time.monotonic() - before < DEADLINE_MS / 1000
        has_voted(page)
        page.reload()
        has_voted(page)
        page.locator("nav").get_by_text("Proposals").click()
        see(page, "you voted against")
        expect(page.get_by_text("Waiting for your vote")).to_have_count(0)
        page.locator("nav").get_by_text("Network").click()
        see(page, "nodes answer")
        expect(waiting).to_have_count(0)


def has_voted(page: Page) -> None:
    """See at the top, by the bar and in the timeline that member0 voted against."""
    expect(page.locator("h1")).to_contain_text("Open, you voted against")
    told = re.compile(r"You voted against, committed as \d+\.\d+\.")
    expect(page.locator(".voted")).to_have_text(told)
    expect(page.get_by_role("region", name="Your vote")).to_contain_text(told)
    expect(page.get_by_role("region", name="Before you vote")).to_have_count(0)
    expect(page.get_by_role("region", name="Warnings")).to_have_count(1)
    expect(page.locator(".timeline")).to_contain_text("Voted against by member0")
    # Neither a second vote nor a withdrawal of another's proposal can be signed.
    expect(page.get_by_text("Other ways to sign")).to_have_count(0)
    expect(page.locator(".vote button")).to_have_count(0)


def test_a_vote_in_favour_is_bound_to_what_was_read(
    service: Running, browser: Browser
) -> None:
    proposal_id = propose(service, set_user_data("ab" * 32))
    options = ("--as", "member2", "--no-confirm")
    with console(service, *options) as address, opened(browser, address) as page:
        go_to_proposal(page, proposal_id)
        cast(page, "in favour")
        expect(page.get_by_role("status")).to_contain_text("is committed as")
        digest = page.locator("details p code").last.text_content() or "none"
    member = signer(service, "member2").certificate.digest_hex
    path = f"/gov/members/proposals/{proposal_id}/ballots/{member}"

    def ballot() -> str:
        with service.connect() as anybody:
            return anybody.get(f"{path}?api-version=2024-07-01").body.decode()

    assert digest in apart(ballot)


def test_nothing_is_signed_before_the_person_at_the_terminal_agrees(
    service: Running, browser: Browser
) -> None:
    proposal_id = propose(service, set_user_data("ef" * 32))
    person, terminal = os.openpty()
    try:
        with (
            console(service, "--as", "member0", terminal=terminal) as address,
            opened(browser, address) as page,
        ):
            go_to_proposal(page, proposal_id)
            vote = page.get_by_role("button", name="Vote in favour")
            status = page.get_by_role("status")
            vote.click()
            expect(status).to_contain_text("Answer the question in the terminal")
            os.write(person, b"n\n")
            expect(status).to_have_text("the person at the terminal said no")
            vote.click()
            expect(vote).to_be_disabled()
            os.write(person, b"y\n")
            expect(status).to_contain_text("is committed as")
    finally:
        os.close(person)
        os.close(terminal)


def test_a_token_signs_what_the_page_asks_for(
    service: Running,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hsm, keys = SoftHsm(tmp_path), service.options.keys("member1")
    monkeypatch.setenv(CONFIGURATION, hsm.environment[CONFIGURATION])
    hsm.make_token("members", PIN)
    pem = keys.private_key.read_text()
    hsm.put_key("members", PIN, pem=pem, label="member1", id_="a1")
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    proposal_id = propose(service, set_user_data("aa" * 32))
    options = (
        *("--pkcs11", "pkcs11:token=members;object=member1"),
        *("--pkcs11-module", str(hsm.module), "--pin-file", str(pin)),
        *("--cert", str(keys.certificate), "--no-confirm"),
    )
    with console(service, *options) as address, opened(browser, address) as page:
        go_to_proposal(page, proposal_id)
        cast(page, "against")
        status = page.get_by_role("region", name="Your vote").get_by_role("status")
        expect(status).to_contain_text("is committed as")
        expect(page.locator("h1")).to_contain_text("Open, you voted against")
