"""The console's page in a real browser: what people see, and a vote from end to end."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.governance import Governance
from ccfpy.client.share import constitution
from ccfpy.client.signer import FileSigner
from ccfpy.console.server import NoPage, read_page
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.running import Running, running_node

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
DEADLINE_MS = 20_000
Result = TypeVar("Result")
expect.set_options(timeout=DEADLINE_MS)
HOSTILE = "<img src=x onerror=alert(1)>\u202e"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]


def _is_built() -> bool:
    try:
        read_page()
    except NoPage:
        return False
    return True


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An open service of three members, with an app that a vote installed."""
    if not _is_built():
        pytest.skip("the page is not built: make console")
    with running_node(
        tmp_path_factory.mktemp("service"), app="js_generic", members=3
    ) as running:
        running.open(["user0"])
        proposal_id = _propose(running, _app("user_cert"))
        with running.connect() as anybody:
            for name in ("member0", "member1"):
                member = Governance(anybody.connection, _signer(running, name))
                anybody.run(member.vote(proposal_id))
        yield running


@pytest.fixture(scope="module")
def reading(service: Running) -> Iterator[str]:
    """The address of a console without a key, which reads the ledger too."""
    with _console(service, "--ledger", str(service.ledger)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield launched
        launched.close()


def _signer(service: Running, name: str) -> FileSigner:
    return FileSigner.load(service.options.keys(name))


def _apart(work: Callable[[], Result]) -> Result:
    """Work in another thread: the browser's own loop runs in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def _propose(service: Running, *actions: JsonObject) -> str:
    def proposed() -> str:
        with service.connect() as anybody:
            member = Governance(anybody.connection, _signer(service, "member1"))
            created = anybody.run(member.propose(list(actions)))
        return str(created.proposal_id)

    return _apart(proposed)


def _app(policy: str, *, changed: int = 0) -> JsonObject:
    """Return an action that installs an app of twelve endpoints."""
    endpoints: dict[str, Json] = {}
    modules: list[Json] = []
    for number in range(12):
        asked = policy if number == 7 else "user_cert"
        endpoints[f"/thing/{number}"] = {
            "get": {
                "js_module": f"thing{number}.js",
                "js_function": "read",
                "authn_policies": [asked],
                "mode": "readonly",
                "forwarding_required": "never",
                "openapi": {},
            }
        }
        answer = 1 if number < changed else 0
        text = f"export function read (request) {{ return {{ body: {answer} }} }}\n"
        modules.append({"name": f"thing{number}.js", "module": text})
    bundle: Json = {"metadata": {"endpoints": endpoints}, "modules": modules}
    return {"name": "set_js_app", "args": {"bundle": bundle}}


@contextmanager
def _console(
    service: Running, *options: str, terminal: int | None = None
) -> Iterator[str]:
    """Run the command, at a terminal or not; yield the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ccfpy.cli.main", "console", *options],
        env=os.environ
        | {
            "CCFPY_URL": service.url,
            "CCFPY_COMMON": str(service.options.shared),
            "XDG_CACHE_HOME": str(service.options.workspace / "cache"),
        },
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=\S+", address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert "Traceback" not in said


@contextmanager
def _opened(browser: Browser, address: str, *, dark: bool = False) -> Iterator[Page]:
    """Open the page; fail for errors, and for requests to anywhere else."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 800},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    origin = address.partition("/#")[0]
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin, "data:"))
            else wrong.append(request.url)
        ),
    )
    page.goto(address)
    yield page
    assert wrong == []
    context.close()


def _go(page: Page, place: str) -> None:
    """Follow a link within the page."""
    page.evaluate(f"location.hash = {place!r}")


def _picture(page: Page, name: str, *, dark: bool) -> None:
    """Keep a picture for the documentation, where the environment asks for it."""
    folder = os.environ.get("CCFPY_PICTURES")
    if folder and not dark:
        page.screenshot(path=Path(folder) / f"{name}.png")


def _see(page: Page, text: str) -> None:
    expect(page.locator("main")).to_contain_text(text, timeout=DEADLINE_MS)


def test_an_operator_sees_whether_the_service_works(
    reading: str, browser: Browser
) -> None:
    with _opened(browser, reading) as page:
        _see(page, "1 of 1 nodes answer")
        assert "token" not in page.url
        expect(page.locator(".identity")).to_contain_text("reading only")
        expect(page.locator("tbody tr")).to_have_count(1)


def test_a_member_reads_a_proposal_and_votes(
    service: Running, browser: Browser
) -> None:
    """Of twelve changed files, one endpoint lost its authentication."""
    proposal_id = _propose(service, _app("no_auth", changed=12))
    options = ("--as", "member0", "--no-confirm")
    with _console(service, *options) as address, _opened(browser, address) as page:
        page.locator("nav").get_by_text("Proposals").click()
        page.locator(f"a[href$='{proposal_id}']").click()
        warning = page.get_by_role("region", name="Before you vote")
        expect(warning).to_have_text(
            "Before you voteGET /thing/7: may be called by anybody, without a "
            "certificate or a token; today by user_cert"
        )
        expect(page.locator("details[open] summary b").first).to_have_text(
            "endpoint GET /thing/7"
        )
        expect(page.locator(".added", has_text="no_auth")).to_be_visible()
        before = time.monotonic()
        page.get_by_role("button", name="Vote against").click()
        expect(page.get_by_role("status")).to_contain_text("is committed as")
        assert time.monotonic() - before < DEADLINE_MS / 1000
        _see(page, "you have voted, and a vote is final")
        page.locator("nav").get_by_text("Proposals").click()
        _see(page, "voted: member0")


def test_a_vote_in_favour_is_bound_to_what_was_read(
    service: Running, browser: Browser
) -> None:
    action: JsonObject = {"name": "set_user_data", "args": {"user_id": "ab" * 32}}
    proposal_id = _propose(service, action)
    options = ("--as", "member2", "--no-confirm")
    with _console(service, *options) as address, _opened(browser, address) as page:
        _go(page, f"/proposals/{proposal_id}")
        page.get_by_role("button", name="Vote in favour").click()
        expect(page.get_by_role("status")).to_contain_text("is committed as")
        digest = page.locator("details p code").text_content() or "none"
    member = _signer(service, "member2").certificate.digest_hex
    path = f"/gov/members/proposals/{proposal_id}/ballots/{member}"

    def ballot() -> str:
        with service.connect() as anybody:
            return anybody.get(f"{path}?api-version=2024-07-01").body.decode()

    assert digest in _apart(ballot)


def test_nothing_is_signed_before_the_person_at_the_terminal_agrees(
    service: Running, browser: Browser
) -> None:
    action: JsonObject = {"name": "set_user_data", "args": {"user_id": "ef" * 32}}
    proposal_id = _propose(service, action)
    person, terminal = os.openpty()
    try:
        with (
            _console(service, "--as", "member0", terminal=terminal) as address,
            _opened(browser, address) as page,
        ):
            _go(page, f"/proposals/{proposal_id}")
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


def test_a_receipt_is_fetched_verified_and_refused_after_a_change(
    reading: str, browser: Browser
) -> None:
    with _opened(browser, reading) as page:
        _go(page, "/receipts")
        asked = page.get_by_label("A transaction, such as")
        asked.fill("2.8")
        page.get_by_role("button", name="Verify").click()
        result = page.get_by_role("region", name="Result")
        expect(result).to_contain_text("2.8 is in the ledger of this service")
        expect(result.locator("li.good")).to_have_count(5)
        _picture(page, "console-receipt", dark=False)
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
    with _opened(browser, reading) as page:
        page.locator("nav").get_by_text("Ledger").click()
        _see(page, "transactions verified")
        page.get_by_text("public maps").click()
        page.get_by_role("link", name="public:ccf.gov.service.info").click()
        page.get_by_role("link", name="(the only key)").click()
        _see(page, '"status":"Open"')
        page.locator(".write a").first.click()
        _see(page, "What it wrote, as far as it is public")
        _see(page, "public:ccf.gov.service.info")
        page.get_by_label("Go to a transaction").fill("2.1")
        page.get_by_role("button", name="Go").click()
        _see(page, "Transaction 2.1")


def test_a_changed_byte_is_shown_where_it_is(
    service: Running, browser: Browser, tmp_path: Path
) -> None:
    folder = shutil.copytree(service.ledger, tmp_path / "ledger")
    changed = min(folder.iterdir())
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    offline = ("--ledger", str(folder))
    with _console(service, *offline) as address, _opened(browser, address) as page:
        _go(page, "/ledger")
        headline = page.locator("h1")
        expect(headline).to_contain_text("Nothing after it is vouched for")
        expect(headline).not_to_contain_text("verified")
        expect(page.get_by_role("region", name="Damage")).to_contain_text(changed.name)
        expect(page.locator("td", has_text="not vouched for").first).to_be_visible()


def test_hostile_text_is_text(service: Running, reading: str, browser: Browser) -> None:
    data: Json = {"user_id": "cd" * 32, "user_data": {HOSTILE: HOSTILE}}
    proposal_id = _propose(service, {"name": "set_user_data", "args": data})
    with _opened(browser, reading) as page:
        _go(page, f"/proposals/{proposal_id}")
        _see(page, "<img src=x onerror=alert(1)>\\u202e")
        expect(page.locator("main img")).to_have_count(0)


def test_another_page_is_not_answered(reading: str, browser: Browser) -> None:
    """Neither without the token, nor from another origin on this machine."""
    origin = reading.partition("/#")[0]
    with _opened(browser, origin) as page:
        expect(page.get_by_role("alert")).to_contain_text(
            "open the address that ccfpy console printed"
        )
    page = browser.new_page()
    page.goto("data:text/html,other")
    script = f"fetch('{origin}/api/start').then(() => 'read', () => 'refused')"
    assert page.evaluate(script) == "refused"
    page.close()


@pytest.fixture(scope="module")
def opens_an_endpoint(service: Running) -> str:
    """A proposal that takes the authentication off one endpoint."""
    return _propose(service, _app("no_auth", changed=3))


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_for_everybody(
    reading: str, browser: Browser, opens_an_endpoint: str, *, dark: bool
) -> None:
    """On a small screen and a large one; and axe, which checks WCAG's rules."""
    with _opened(browser, reading, dark=dark) as page:
        for name, place, wanted in (
            ("network", "/network", "nodes answer"),
            ("proposals", "/proposals", "set_js_app"),
            ("receipts", "/receipts", "Is it in the ledger?"),
            ("ledger", "/ledger", "Transactions after 0"),
            ("transaction", "/ledger/tx/1", "What it wrote"),
            ("proposal", f"/proposals/{opens_an_endpoint}", "If it passed now"),
        ):
            _go(page, place)
            _see(page, wanted)
            for width in (360, 1200):
                page.set_viewport_size({"width": width, "height": 800})
                wide = "document.documentElement.scrollWidth - innerWidth"
                assert page.evaluate(wide) <= 0, (name, width)
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            assert found == [], name
            _picture(page, f"console-{name}", dark=dark)


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
        _apart(lambda: asyncio.run(processes.begin([Placement()] * 3)))
        service = Running(options=options, node=processes.nodes[1])
        with _console(service) as address, _opened(browser, address) as page:
            _see(page, "3 of 3 nodes answer")
            processes.nodes[0].kill()
            _see(page, "2 of 3 nodes answer")
            expect(page.locator("tr.unwell")).to_contain_text("no answer")
            # A slow machine may need more than one election.
            expect(page.locator("h1")).to_contain_text(
                re.compile(r"leads view [3-9]"), timeout=3 * DEADLINE_MS
            )
    finally:
        processes.stop()
