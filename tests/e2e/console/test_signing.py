"""Votes that are signed in the page, or elsewhere by hand."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from ccfpy.crypto.ec import Curve
from ccfpy.testing.node import Person
from tests.e2e.console.in_process import Hosted, hosted_console
from tests.e2e.console.page_keys import (
    PKCS8,
    SEC1,
    choose_key,
    key_files,
    member,
)
from tests.e2e.console.pages import (
    Late,
    cast,
    go,
    go_to_proposal,
    opened,
    see,
    set_user_data,
)
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

LOOPS = "export function vote () { while (true) {} }"
FOUNDER = Person.make("founder", can_recover=True)
VOTERS = [
    (member(Curve.SECP256R1, "small"), PKCS8),
    (member(Curve.SECP384R1, "middle"), PKCS8),
    (member(Curve.SECP521R1, "large"), PKCS8),
    (member(Curve.SECP384R1, "old"), SEC1),
]
PEOPLE = [FOUNDER, *(person for person, _ in VOTERS)]
SHORTER_THAN_A_SCRIPT_S = 3
"""Less than a script may take, so that the process is what stops one."""


@pytest.fixture
def hosted(serve: Serve, service_pem: str) -> Iterator[Hosted]:
    """A console of a service whose members have keys of every kind."""
    with hosted_console(PEOPLE, serve, service_pem) as made:
        yield made


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the voters' files."""
    for person, form in VOTERS:
        key_files(tmp_path, person, form)
    return tmp_path


def _open_proposal(page: Page, proposal_id: str) -> None:
    go_to_proposal(page, proposal_id)
    see(page, "Other ways to sign")


def _choose(page: Page, keys: Path, name: str) -> None:
    page.get_by_text("With a key in this page").click()
    choose_key(page, keys, name)
    see(page, "by the key in this page")


def _vote(page: Page, choice: str) -> None:
    cast(page, choice)
    expect(_status(page)).to_contain_text("is committed as")


def _status(page: Page) -> Locator:
    return page.get_by_role("region", name="Your vote").get_by_role("status")


def test_members_vote_with_keys_in_the_page(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    """On each curve; the last vote in favour accepts the proposal."""
    proposal_id = hosted.propose(set_user_data("aa" * 32, {}))
    with opened(browser, hosted.address) as page:
        for count, (person, _) in enumerate(VOTERS[:3]):
            _open_proposal(page, proposal_id)
            _choose(page, keys, person.name)
            expect(page.locator(".identity")).to_contain_text(f"as {person.name}")
            _vote(page, "against" if count == 0 else "in favour")
            expect(page.locator("h1")).to_contain_text("you voted")
            go(page, "/key")
            page.get_by_role("button", name="Forget this key").click()
            see(page, "Nobody votes here")
        _open_proposal(page, proposal_id)
        _choose(page, keys, "old")
        _vote(page, "in favour")
        expect(page.locator("h1")).to_contain_text("Accepted")
    final = hosted.ask(f"/gov/members/proposals/{proposal_id}")["finalVotes"]
    expected = {person.id: True for person, _ in VOTERS}
    assert final == expected | {VOTERS[0][0].id: False}


def test_an_older_answer_does_not_take_the_place_of_a_newer_one(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    """What was asked for before the key was chosen comes after what was asked since."""
    proposal_id = hosted.propose(set_user_data("ab" * 32, {}))
    with opened(browser, hosted.address) as page:
        _open_proposal(page, proposal_id)
        late = Late(page, f"**/api/proposals/{proposal_id}*")
        hosted.vote(proposal_id, FOUNDER)
        late.wait()
        _choose(page, keys, "small")
        late.arrive()
        expect(page.get_by_role("button", name="Vote in favour")).to_be_visible()
        go(page, "/key")
        see(page, "this member is Active")
        page.get_by_role("button", name="Forget this key").click()
        late = Late(page, "**/api/signing?*", changed=("Active", "Retired"))
        choose_key(page, keys, "middle")
        late.wait()
        page.get_by_role("button", name="Forget this key").click()
        choose_key(page, keys, "large")
        see(page, "this member is Active")
        late.arrive()
        see(page, "this member is Active")


def test_two_clicks_are_one_ballot_and_another_try_sends_the_same_bytes(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    proposal_id = hosted.propose(set_user_data("bb" * 32, {}))
    sent: list[bytes] = []

    def lose_the_first(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        if len(sent) == 1:
            route.abort()
        else:
            route.continue_()

    with opened(browser, hosted.address) as page:
        page.route("**/api/submit", lose_the_first)
        _open_proposal(page, proposal_id)
        _choose(page, keys, "small")
        vote = page.get_by_role("button", name="Vote in favour", exact=True)
        yes = page.get_by_role("button", name="Yes, vote in favour")
        # The second click of a double click answers no question.
        vote.dblclick()
        expect(yes).to_be_visible()
        assert not sent
        yes.dblclick()
        expect(_status(page)).to_contain_text("The console does not answer")
        assert len(sent) == 1
        vote.click()
        yes.dblclick()
        expect(_status(page)).to_contain_text("is committed as")
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert len([each for each in hosted.asked if each.endswith(":submit")]) == 1


def test_a_key_is_remembered_where_that_was_asked_for(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    with opened(browser, hosted.address) as page:
        late = Late(page, "**/api/start")
        go(page, "/key")
        page.reload()
        late.wait()
        # A key is remembered for a service: none is taken before it is known.
        see(page, "Asking the console")
        expect(page.get_by_label("Key, such as")).to_have_count(0)
        late.arrive()
        for is_kept in (False, True):
            go(page, "/key")
            see(page, "A key in this page")
            box = page.get_by_label("Remember on this device")
            expect(box).not_to_be_checked()
            box.set_checked(is_kept)
            choose_key(page, keys, "middle")
            see(page, "on P-384; " + ("remembered" if is_kept else "forgotten"))
            page.reload()
            see(page, "You are middle" if is_kept else "Nobody votes here")
        page.get_by_role("button", name="Forget this key").click()
        see(page, "Nobody votes here")
        page.reload()
        see(page, "Nobody votes here")


def test_a_member_acknowledges_and_a_proposer_withdraws(
    hosted: Hosted, tmp_path: Path, browser: Browser
) -> None:
    key_files(tmp_path, FOUNDER)
    proposal_id = hosted.propose(set_user_data("cc" * 32, {}))
    with opened(browser, hosted.address) as page:
        go(page, "/key")
        choose_key(page, tmp_path, "founder")
        see(page, "this member is Active")
        page.get_by_role("button", name="Acknowledge the state").click()
        see(page, "Signed: the digest of the service's state is")
        go_to_proposal(page, proposal_id)
        page.get_by_role("button", name="Withdraw this proposal").click()
        page.get_by_role("button", name="Yes, withdraw this proposal").click()
        expect(page.locator("h1")).to_contain_text("Withdrawn")


def test_a_wrong_clock_is_said_before_anything_is_signed(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    proposal_id = hosted.propose(set_user_data("dd" * 32, {}))
    with opened(browser, hosted.address) as page:
        page.clock.install(time="2026-01-01T00:00:00Z")
        page.reload()
        _open_proposal(page, proposal_id)
        _choose(page, keys, "small")
        cast(page, "against")
        expect(_status(page)).to_contain_text(
            "Nothing was signed: this browser's clock"
        )
        assert not any(each.endswith(":submit") for each in hosted.asked)


def test_a_vote_is_signed_by_hand_elsewhere(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    """By the lines that the page shows, run as they are."""
    proposal_id = hosted.propose(set_user_data("ee" * 32, {}))
    program = f"{sys.executable} -m ccfpy.cli.main"
    with opened(browser, hosted.address) as page:
        _open_proposal(page, proposal_id)
        page.get_by_text("By hand, on another machine").click()
        expect(page.locator("input[name=choice]:checked")).to_have_count(0)
        page.get_by_label("In favour").check()
        with page.expect_download() as downloading:
            page.get_by_role("link", name="ballot-").click()
        download = downloading.value
        download.save_as(keys / download.suggested_filename)
        line = page.locator("ol pre").first.text_content() or ""
        script = line.replace("ccfpy ", f"{program} ", 1).replace("MEMBER", "large")
        subprocess.run(
            ["bash", "-ec", script],
            cwd=keys,
            env={"CCFPY_COMMON": str(keys), "PATH": "/usr/bin"},
            check=True,
        )
        message = page.get_by_label("The signed message")
        message.set_input_files(keys / download.suggested_filename)
        see(page, "this is no signed message")
        page.get_by_label("Against").check()
        message.set_input_files(keys / "signed.cose")
        see(page, "says something else than what was to be signed")
        page.get_by_label("In favour").check()
        late = Late(page, "**/api/signing?*")
        message.set_input_files(keys / "signed.cose")
        late.wait()
        message.set_input_files(keys / download.suggested_filename)
        see(page, "this is no signed message")
        late.arrive()
        send = page.get_by_role("button", name="Send this message")
        expect(send).to_have_count(0)
        message.set_input_files(keys / "signed.cose")
        see(page, "A message of the type ballot by member")
        send.click()
        see(page, "The message is committed as")
    path = f"/gov/members/proposals/{proposal_id}"
    assert hosted.ask(path)["ballotCount"] == 1


def test_a_vote_on_what_a_node_made_up_counts_as_no(
    hosted: Hosted, keys: Path, browser: Browser
) -> None:
    """The node shows what one proposal asks for under the id of another."""
    harmless = hosted.propose(set_user_data("11" * 32, {"role": "clerk"}))
    harmful = hosted.propose(set_user_data("22" * 32, {"role": "everything"}))

    def lie(path: str, body: bytes) -> bytes:
        if path != "/gov/kv/proposals":
            return body
        told = json.loads(body)
        return json.dumps({**told, harmful: told[harmless]}).encode()

    hosted.lie = lie
    with opened(browser, hosted.address) as page:
        _open_proposal(page, harmful)
        see(page, "clerk")
        _choose(page, keys, "small")
        page.route("**/api/submit", lambda route: _stop_lying(hosted, route))
        cast(page, "in favour")
        expect(_status(page)).to_contain_text("shows other bytes under this id")
        expect(_status(page)).to_contain_text("Your vote counts as a no")
        see(page, "everything")
    for person, _ in VOTERS[1:]:
        hosted.vote(harmful, person)
    final = hosted.ask(f"/gov/members/proposals/{harmful}")["finalVotes"]
    assert final[VOTERS[0][0].id] is False
    assert list(final.values()).count(True) == len(VOTERS) - 1


def _stop_lying(hosted: Hosted, route: Route) -> None:
    hosted.lie = lambda _path, body: body
    route.continue_()


def test_what_would_fail_is_said_before_the_last_vote(
    hosted: Hosted, browser: Browser
) -> None:
    proposal_id = hosted.propose(
        {"name": "set_recovery_threshold", "args": {"recovery_threshold": 9}}
    )
    hosted.vote(proposal_id, FOUNDER)
    hosted.vote(proposal_id, VOTERS[0][0])
    with opened(browser, hosted.address) as page:
        _open_proposal(page, proposal_id)
        warnings = page.get_by_role("region", name="Before you vote")
        expect(warnings).to_contain_text("Cannot set recovery threshold to 9")
        see(page, "1 more vote in favour, for example of")


def test_what_runs_for_ever_is_stopped_and_said(
    serve: Serve, service_pem: str, browser: Browser
) -> None:
    """The vote of one member never ends; the proposal is shown all the same."""
    with (
        hosted_console(
            PEOPLE, serve, service_pem, what_if_s=SHORTER_THAN_A_SCRIPT_S
        ) as hosted,
        opened(browser, hosted.address) as page,
    ):
        proposal_id = hosted.propose(set_user_data("33" * 32, {"role": "clerk"}))
        hosted.vote(proposal_id, FOUNDER, LOOPS)
        _open_proposal(page, proposal_id)
        warnings = page.get_by_role("region", name="Before you vote")
        took = f"took longer than {SHORTER_THAN_A_SCRIPT_S} s to run"
        expect(warnings).to_contain_text(took)
        see(page, "clerk")
