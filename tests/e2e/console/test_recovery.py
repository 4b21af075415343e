"""A lost service brought back by three members, each at a page of their own."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ccfpy.base.json import Json
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.console.pages import (
    Late,
    apart,
    cast,
    console,
    go,
    opened,
    picture,
    see,
)
from tests.e2e.recovered import read, remains_of, write
from tests.e2e.running import Running

AXE = Path(__file__).parents[3] / "console/node_modules/axe-core/axe.min.js"
NAMES = [f"member{number}" for number in range(3)]
THRESHOLD: Json = {"recovery_threshold": 2}
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[ProcessNetwork]:
    """What is left of a service of one node, whose node was killed."""
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        program=NODE_PROGRAM,
        members=NAMES,
        constitution=constitution("default"),
    )
    network = ProcessNetwork(options)
    threshold = {"name": "set_recovery_threshold", "args": THRESHOLD}

    async def lose() -> None:
        await network.begin([Placement()])
        await network.open([threshold])
        await write(network, 0, 2)
        network.nodes[0].kill()

    try:
        apart(lambda: asyncio.run(lose()))
        yield network
    finally:
        network.stop()


@pytest.fixture
def recovering(lost: ProcessNetwork) -> Running:
    """A service in its place, which has the public state alone."""
    remains = remains_of(lost.nodes[0], lost)
    node = apart(lambda: asyncio.run(lost.recover(Placement(), remains)))
    return Running(options=lost.options, node=node)


def keep(page: Page, name: str) -> None:
    """Keep pictures for who works on the page, where the environment asks for them."""
    folder = os.environ.get("CCFPY_SHOTS")
    if folder is None:
        return
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in (360, 1200):
            page.set_viewport_size({"width": width, "height": 800})
            place = Path(folder) / f"recovery-{name}-{theme}-{width}.png"
            page.screenshot(path=place, full_page=True)


def for_everybody(page: Page) -> None:
    """Both themes, and axe, which checks WCAG's rules; small screens do not scroll."""
    page.evaluate(AXE.read_text())
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": 360, "height": 800})
        wide = "document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0
        assert page.evaluate("axe.run()")["violations"] == []


class Three:
    """Three members at three consoles, two with keys and one that only reads.

    The first member's terminal asks before it signs. The second member's encryption key
    is that of the third.
    """

    def __init__(self, service: Running, browser: Browser, stack: ExitStack) -> None:
        self.node = service.node
        self.keys = [service.options.keys(name) for name in NAMES]
        self._person, terminal = os.openpty()
        stack.callback(os.close, self._person)
        stack.callback(os.close, terminal)
        wrong = ("--decrypt-key", str(self.keys[2].encryption_private_key))
        consoles = (
            console(service, "--as", "member0", terminal=terminal),
            console(service, "--as", "member1", "--no-confirm", *wrong),
            console(service),
        )
        self.pages = [
            stack.enter_context(opened(browser, stack.enter_context(each)))
            for each in consoles
        ]
        for page in self.pages:
            go(page, "/recovery")

    def see(self, text: str) -> None:
        """Wait until everybody sees a text."""
        for page in self.pages:
            see(page, text)

    def agree(self) -> None:
        """Answer the question in the first member's terminal."""
        expect(self.pages[0].get_by_role("status")).to_contain_text("in the terminal")
        os.write(self._person, b"y\n")


def status(page: Page) -> Locator:
    return page.get_by_role("status")


def propose_and_vote(three: Three) -> None:
    one, two, _ = three.pages
    three.see("members compare the identities, then one proposes")
    three.see("Read the digest of the new certificate to every member")
    see(one, "you, member0Compare both digests, then propose, or wait")
    keep(one, "compare")
    one.get_by_role("button", name="Propose to go on").click()
    three.agree()
    three.see("0 of 3 members have voted to go on")
    three.see("The open proposal names these two")
    for page in (one, two):
        page.get_by_role("link", name="Read and vote").click()
        see(page, "✓ the service whose ledger the nodes have")
        see(page, "✓ the certificate that this console trusts")
        keep(page, "proposal")
        if page is one:
            # The terminal asks, and so the page does not.
            page.get_by_role("button", name="Vote in favour").click()
            three.agree()
        else:
            cast(page, "in favour")
        expect(status(page)).to_contain_text("is committed as")
        go(page, "/recovery")


def hand_in_by_files(three: Three) -> None:
    """Choose keys in the page of the console that only reads; first, a wrong key.

    The files stay chosen while the service does not answer.
    """
    page, own = three.pages[2], three.keys[2]
    page.get_by_text("Hand in a share with keys that you choose here").click()
    page.get_by_label("Your certificate").set_input_files(own.certificate)
    page.get_by_label("Your signing key").set_input_files(own.private_key)
    encryption = page.get_by_label("Your encryption key")
    hand_in = page.get_by_role("button", name="Open, sign and hand in")
    encryption.set_input_files(three.keys[1].encryption_private_key)
    three.node.pause()
    expect(hand_in).to_be_hidden()
    three.node.resume()
    hand_in.click()
    expect(status(page)).to_contain_text("does not open the share")
    encryption.set_input_files(own.encryption_private_key)
    hand_in.click()
    expect(status(page)).to_contain_text("1/2 recovery shares")


def test_three_members_bring_a_lost_service_back(
    lost: ProcessNetwork, recovering: Running, browser: Browser
) -> None:
    """By the keys of their machines, and by keys chosen in a page."""
    with ExitStack() as stack:
        three = Three(recovering, browser, stack)
        one, two, last = three.pages
        propose_and_vote(three)
        three.see("0 of 2 shares are there, 2 are missing")
        see(one, "you, member0Hand in the share.")
        late = Late(two, "**/api/recovery/share")
        two.get_by_role("button", name="Open and hand in my share").click()
        late.wait()
        # The step is not shown meanwhile, as while the service does not answer.
        go(two, "/key")
        see(two, "You are member1")
        go(two, "/recovery")
        late.arrive()
        expect(status(two)).to_contain_text("does not open the share")
        hand_in_by_files(three)
        three.see("1 of 2 shares is there, 1 is missing")
        expect(two.locator("tr", has_text="member2")).to_contain_text("✓ handed in")
        for_everybody(last)
        keep(last, "shares")
        one.evaluate("scrollTo(0, 0)")
        picture(one, "console-recovery", dark=False)
        one.get_by_role("button", name="Open and hand in my share").click()
        three.agree()
        expect(status(one)).to_contain_text("2/2 recovery shares")
        three.see("the service is open again")
        keep(two, "done")
    node = lost.nodes[-1]
    assert apart(lambda: asyncio.run(read(lost, node, 1))) == "secret 1"


def test_what_is_left_is_shown_with_its_damage(
    service: Running, browser: Browser, tmp_path: Path
) -> None:
    folder = shutil.copytree(service.ledger, tmp_path / "0")
    options = ("--lost", str(tmp_path))
    with console(None, *options) as address, opened(browser, address) as page:
        see(page, "everything that was signed can be restored")
        see(page, f"ccfpy recover {tmp_path} --service ")
        see(page, "3 shares are needed")
        for_everybody(page)
        keep(page, "lost")
        changed = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        data = bytearray(changed.read_bytes())
        data[-1] ^= 1
        changed.write_bytes(data + b"\0")
        expect(page.locator("h1.bad")).to_contain_text("lost")
        see(page, changed.name)
        expect(page.locator("main")).not_to_contain_text("everything that was signed")
        keep(page, "damaged")
