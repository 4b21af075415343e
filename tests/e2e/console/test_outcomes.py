"""What would come of a proposal changes while somebody reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ccfpy.crypto.ec import Curve
from ccfpy.testing.node import Person
from tests.e2e.console.in_process import Hosted, hosted_console
from tests.e2e.console.page_keys import choose_key, key_files, member
from tests.e2e.console.pages import cast, go_to_proposal, opened, see, set_user_data
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

ALICE = Person.make("alice", can_recover=True)
BOB, CAROL = (member(Curve.SECP384R1, name) for name in ("bob", "carol"))
PEOPLE = [ALICE, BOB, CAROL]
USER = "ab" * 32


@pytest.fixture
def hosted(serve: Serve, service_pem: str) -> Iterator[Hosted]:
    """A console of a service of three members."""
    with hosted_console(PEOPLE, serve, service_pem) as made:
        yield made


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with Carol's files."""
    key_files(tmp_path, CAROL)
    return tmp_path


def _accept_another(hosted: Hosted) -> None:
    """Accept a proposal that gives the same user another role."""
    other = hosted.propose(set_user_data(USER, {"role": "owner"}))
    for person in (ALICE, BOB):
        hosted.vote(other, person)


def _read(page: Page, proposal_id: str, keys: Path) -> None:
    go_to_proposal(page, proposal_id)
    see(page, "Other ways to sign")
    page.get_by_text("With a key in this page").click()
    choose_key(page, keys, CAROL.name)
    see(page, "by the key in this page")


def test_an_outcome_that_changes_is_shown_and_read_before_a_vote(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    proposal_id = hosted.propose(set_user_data(USER, {"role": "clerk"}))
    with opened(browser, hosted.address) as page:
        _read(page, proposal_id, keys)
        different = page.get_by_role("alert", name="What is different now")
        expect(different).to_have_count(0)
        _accept_another(hosted)
        expect(different).to_contain_text(f"user {USER}: would change otherwise")
        expect(page.locator(".diff .removed", has_text="owner")).to_be_visible()
        vote = page.get_by_role("button", name="Vote in favour")
        expect(vote).to_have_count(0)
        expect(page.locator("main")).to_contain_text("Read first what is different")
        different.get_by_role("button", name="I have read").click()
        expect(different).to_have_count(0)
        # Another's vote is no part of the outcome.
        hosted.vote(proposal_id, BOB)
        see(page, "Voted in favour by")
        expect(different).to_have_count(0)
        cast(page, "in favour")
        status = page.get_by_role("region", name="Your vote").get_by_role("status")
        expect(status).to_contain_text("is committed as")


@pytest.mark.parametrize("choice", ["in favour", "against"])
def test_a_vote_on_an_outcome_that_was_read_too_early_is_refused(
    hosted: Hosted, keys: Path, browser: Browser, choice: str
) -> None:
    """The page has not heard yet that another proposal was accepted."""
    proposal_id = hosted.propose(set_user_data(USER, {"role": "clerk"}))
    with opened(browser, hosted.address) as page:
        page.route("**/api/stream", lambda route: route.abort())
        page.reload()
        _read(page, proposal_id, keys)
        _accept_another(hosted)
        cast(page, choice)
        different = page.get_by_role("alert", name="What is different now")
        expect(different).to_contain_text(f"user {USER}: would change otherwise")
        status = page.get_by_role("region", name="Your vote").get_by_role("status")
        expect(status).to_contain_text("Nothing was signed")
        expect(page.locator(".vote button")).to_have_count(0)
        ballots = hosted.ask(f"/gov/members/proposals/{proposal_id}")["ballotCount"]
        assert ballots == 0
