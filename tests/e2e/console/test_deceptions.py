"""What a member reads of a proposal that is made to be read otherwise."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from ccfpy.base.json import JsonObject
from ccfpy.client.governance import Governance
from tests.attacks import attack
from tests.e2e.console.deceptions import DECEPTIONS, INSTALLED, app_with
from tests.e2e.console.pages import (
    apart,
    console,
    go_to_proposal,
    opened,
    propose,
    see,
    signer,
    thing_app,
)
from tests.e2e.running import Running


def _installs(service: Running, app: JsonObject) -> None:
    proposal_id = propose(service, app)

    def voted() -> None:
        with service.connect() as anybody:
            for name in ("member0", "member1"):
                member = Governance(anybody.connection, signer(service, name))
                anybody.run(member.vote(proposal_id))

    apart(voted)


@pytest.fixture(scope="module")
def voting(service: Running) -> Iterator[str]:
    """The address of a member's console, while the app has files to be changed."""
    _installs(service, app_with(INSTALLED))
    with console(service, "--as", "member2", "--no-confirm") as address:
        yield address
    _installs(service, thing_app("user_cert"))


def _propose(service: Running, body: bytes) -> str:
    def proposed() -> str:
        with service.connect() as anybody:
            member = Governance(anybody.connection, signer(service, "member1"))
            return str(anybody.run(member.propose_document(body)).proposal_id)

    return apart(proposed)


def _gov(service: Running, *words: str) -> subprocess.CompletedProcess[str]:
    common = {"CCFPY_URL": service.url, "CCFPY_COMMON": str(service.options.shared)}
    return subprocess.run(
        [sys.executable, "-m", "ccfpy.cli.main", "gov", *words],
        env=os.environ | common,
        capture_output=True,
        text=True,
        check=False,
    )


@attack("gov: code between the lines of a certificate")
@attack("gov: a text that hides a part of itself from members")
@attack("gov: a text that looks like another to members")
@attack("gov: a change in a line too long to read")
@attack("gov: a proposal that the engine reads and members' tools do not")
@pytest.mark.parametrize("name", DECEPTIONS)
def test_a_member_sees_what_is_there(
    service: Running, voting: str, browser: Browser, name: str
) -> None:
    proposed = DECEPTIONS[name]
    proposal_id = _propose(service, proposed.body)
    told = _gov(service, "show", proposal_id, "--full")
    with opened(browser, voting) as page:
        go_to_proposal(page, proposal_id)
        see(page, "What would change")
        for seen in proposed.seen:
            assert seen in told.stdout
            see(page, seen)
        # What the server says of a character is an element of its own.
        main = page.locator("main")
        drawn = main.locator("mark.unseen").all_text_contents()
        assert "".join(drawn).count("⟦") == (main.text_content() or "").count("⟦")
        button = page.get_by_role("button", name="Vote in favour", exact=True)
        expect(button).to_have_count(1 if proposed.can_be_shown else 0)
        if name == "a letter of a long line":
            expect(main.locator("em.changed").first).to_have_text("+")
            expect(main.locator("em.changed").last).to_have_text("-")
        if not proposed.can_be_shown:
            see(page, "It cannot be shown")
            refused = _gov(service, "vote", proposal_id, "--as", "member2")
            assert refused.returncode == 1
            assert "cannot be shown" in refused.stderr
    _gov(service, "withdraw", proposal_id, "--as", "member1")
