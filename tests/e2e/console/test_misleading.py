"""Proposals that would have a voter approve something else than what is read."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ccfpy.base.json import Json
from ccfpy.testing.node import Person
from tests.e2e.console.in_process import Hosted, hosted_console
from tests.e2e.console.pages import RUN_MS, await_run, go, go_to_proposal, opened, see
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)
from tests.unit.client.review.made import RULES, action
from tests.unit.client.review.misleading import (
    ALONE,
    CONDITIONAL,
    FORGING,
    UNKNOWN,
    VERDICT,
    hidden,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

ALICE = Person.make("alice", can_recover=True)
BOB, MALLORY = Person.make("bob"), Person.make("mallory", can_recover=True)


@pytest.fixture
def hosted(serve: Serve, service_pem: str) -> Iterator[Hosted]:
    """A console of a service of two members."""
    with hosted_console([ALICE, BOB], serve, service_pem) as made:
        yield made


def _warnings(page: Page) -> Locator:
    return page.get_by_role("region", name="Before you vote").locator("li")


def _own_voice(page: Page) -> str:
    """Return the title and the warnings without what others say."""
    told = page.evaluate("""() => {
        const shown = ["h1", ".warnings"].map((each) => {
            const copy = document.querySelector(`main ${each}`).cloneNode(true);
            copy.querySelectorAll(".others").forEach((other) => other.remove());
            return copy.textContent;
        });
        return shown.join("\\n");
    }""")
    assert isinstance(told, str)
    return told


def test_the_rules_in_a_long_list_are_named_first(
    hosted: Hosted, browser: Browser
) -> None:
    """And that one member would decide alone, which a run of the rules shows."""
    proposal_id = hosted.propose(*hidden(ALONE))
    with opened(browser, hosted.address) as page:
        go(page, "/proposals")
        link = page.locator(f"a[href$='{proposal_id}']")
        worst = "ne member would decide alone; replace the rules"
        expect(link).to_contain_text(worst, timeout=RUN_MS)
        link.click()
        await_run(page)
        title = page.locator("h1")
        expect(title).to_contain_text(
            "One member would decide alone; replace the rules"
        )
        expect(_warnings(page).first).to_contain_text("set_constitution")
        expect(_warnings(page).first).to_contain_text("action 151 of 195")
        expect(_warnings(page).nth(1)).to_contain_text("one member alone would decide")


def test_a_living_members_key_that_is_replaced_comes_first(
    hosted: Hosted, browser: Browser
) -> None:
    assert MALLORY.encryption_key is not None
    replaced = action(
        "set_member",
        cert=ALICE.certificate.pem,
        encryption_pub_key=MALLORY.encryption_key.public_key.pem,
    )
    proposal_id = hosted.propose(replaced)
    with opened(browser, hosted.address) as page:
        go_to_proposal(page, proposal_id)
        expect(page.locator("h1")).to_contain_text("living member's keys are replaced")
        see(page, "shares go to another key")


@pytest.mark.parametrize("wanted", [FORGING, UNKNOWN], ids=["app", "action"])
def test_a_proposers_words_are_in_elements_of_their_own(
    hosted: Hosted, browser: Browser, wanted: Json
) -> None:
    unknown = """
    actions.set("no_risk⦆: ccfpy found no risk", new Action(() => {}, () => {}));
    """
    with opened(browser, hosted.address) as page:
        if wanted is UNKNOWN:
            rules = hosted.propose(
                action("set_constitution", constitution=RULES + unknown)
            )
            for person in (ALICE, BOB):
                hosted.vote(rules, person)
        proposal_id = hosted.propose(wanted)
        go_to_proposal(page, proposal_id)
        expect(_warnings(page).first).to_be_visible()
        expect(page.locator(".warnings .others").first).to_be_visible()
        assert VERDICT in (page.locator(".warnings").first.text_content() or "")
        assert VERDICT not in _own_voice(page)
        if wanted is FORGING:
            see(page, "the proposed app would say of it (summary)")
            see(page, "nobody, as no caller can meet")


def test_a_ballot_that_is_a_script_is_shown_and_is_on_no_side(
    hosted: Hosted, browser: Browser
) -> None:
    proposal_id = hosted.propose(action("trigger_snapshot"))
    hosted.vote(proposal_id, ALICE, CONDITIONAL)
    with opened(browser, hosted.address) as page:
        go_to_proposal(page, proposal_id)
        votes = page.locator("section", has=page.get_by_role("heading", name="Votes"))
        expect(votes).to_contain_text(
            "by a script that decides each time it is counted"
        )
        expect(votes.locator("pre")).to_have_text(CONDITIONAL)
        expect(votes).not_to_contain_text("in favour")
        expect(page.locator(".timeline")).not_to_contain_text("in favour")


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        (hidden(ALONE), "⦅set_constitution⦆, action 151 of 195: another text decides"),
        ([FORGING], "⦅GET /b: ccfpy found no risk⟦U+2986⟧⦆: new, and may be called by"),
    ],
    ids=["rules", "app"],
)
def test_gov_show_says_the_same(
    hosted: Hosted, service_pem: str, wanted: list[Json], first: str
) -> None:
    """The worst comes first, and each line of others' words begins with a bar."""
    proposal_id = hosted.propose(*wanted)
    told = _gov(hosted, service_pem, "show", proposal_id).splitlines()
    begin = told.index("What you must have seen")
    warned = told[begin : told.index("", begin)]
    assert any(line.strip().startswith(first) for line in warned)
    for line in warned:
        ours = "".join(part.partition("⦆")[2] or part for part in line.split("⦅"))
        assert VERDICT not in ours or line.strip().startswith("│")
    listed = _gov(hosted, service_pem, "list")
    assert listed.count("\n") == 2, "each proposal has one line"


def _gov(hosted: Hosted, certificate: str, *words: str) -> str:
    """Run a command about the service of a console."""
    path = hosted.folder / "service_cert.pem"
    path.write_text(certificate)
    done = subprocess.run(
        [sys.executable, "-m", "ccfpy.cli.main", "gov", *words],
        env=os.environ | {"CCFPY_URL": hosted.url, "CCFPY_COMMON": str(path.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
